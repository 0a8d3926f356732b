import { StoppedError } from "./exit_codes.ts";

// Windows knows neither SIGTERM nor a way to refuse SIGBREAK.
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];

/**
 * SIGINT and SIGTERM as an `AbortSignal`: the first one aborts it, a second
 * one leaves at once. Signals keep their usual effect until {@linkcode listen}.
 */
export class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => never;
  readonly #handlers = new Map<Deno.Signal, () => void>();

  /** `exit` is called at the second signal. */
  constructor(exit: (code: number) => never) {
    this.#exit = exit;
  }

  /** Aborts with a {@linkcode StoppedError} at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 130 or 143 after the first signal. */
  get exitCode(): number | undefined {
    const { reason } = this.#controller.signal;
    return reason instanceof StoppedError ? reason.exitCode : undefined;
  }

  /** Takes the signals over until disposed of. */
  listen(): this {
    for (const signal of SIGNALS) {
      const handler = () => this.#received(signal);
      this.#handlers.set(signal, handler);
      Deno.addSignalListener(signal, handler);
    }
    return this;
  }

  /** Gives the signals their usual effect back. */
  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) Deno.removeSignalListener(signal, handler);
    this.#handlers.clear();
  }

  #received(signal: Deno.Signal): void {
    const stopped = new StoppedError(signal);
    if (this.#controller.signal.aborted) this.#exit(stopped.exitCode);
    this.#controller.abort(stopped);
  }
}
