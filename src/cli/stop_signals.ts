import { StoppedError } from "./exit_codes.ts";

// Windows has no SIGTERM, and SIGBREAK cannot be prevented.
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];

/** Further signals that end a program, unless it handles them. */
const FURTHER_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGHUP", "SIGQUIT"];

/** Where signals come from. */
export type SignalSource = Pick<typeof Deno, "addSignalListener" | "removeSignalListener">;

/**
 * Handles SIGINT and SIGTERM for all commands. By default a signal ends the program immediately. While a command
 * listens, the first signal aborts {@linkcode signal} and the second one ends the program.
 */
export class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #exit: (code: number) => never;
  readonly #source: SignalSource;
  #isListening = false;
  readonly #restorers = new Set<() => void>();
  #isFurther = false;
  #leavesHangups = false;
  #receiver: ((signal: Deno.Signal) => void) | undefined;

  /** `exit` ends the program. */
  constructor(exit: (code: number) => never, source: SignalSource = Deno) {
    this.#exit = exit;
    this.#source = source;
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

  /**
   * Handles the signals until the result is disposed of. Without handlers they would be ignored by PID 1, for example
   * in a container (pid_namespaces(7)).
   */
  takeOver(): Disposable {
    const owner = new DisposableStack();
    this.#handle(SIGNALS, owner);
    return owner;
  }

  /** Handles SIGHUP and SIGQUIT in the same way until disposed of, for a program with commands that must not outlive it. */
  includeFurther(): Disposable {
    const owner = new DisposableStack();
    if (this.#isFurther) return owner;
    this.#isFurther = true;
    owner.defer(() => this.#isFurther = false);
    this.#handle(FURTHER_SIGNALS, owner);
    return owner;
  }

  /** Until disposed of, calls `restore` before a signal (SIGHUP and SIGQUIT, too) or an uncaught error ends the program. */
  restoreBeforeExit(restore: () => void): Disposable {
    const owner = new DisposableStack();
    const tryRestore = () => {
      try {
        restore();
      } catch {
        // The terminal is gone.
      }
    };
    owner.use(this.includeFurther());
    this.#restorers.add(tryRestore);
    owner.defer(() => this.#restorers.delete(tryRestore));
    for (const event of ["error", "unhandledrejection"]) {
      globalThis.addEventListener(event, tryRestore);
      owner.defer(() => globalThis.removeEventListener(event, tryRestore));
    }
    return owner;
  }

  /** Leaves SIGHUP to another handler until disposed of. A command that the program runs still receives it. */
  leaveHangups(): Disposable {
    this.#leavesHangups = true;
    return { [Symbol.dispose]: () => this.#leavesHangups = false };
  }

  /** Lets the first signal abort {@linkcode signal}, until disposed of. */
  listen(): this {
    this.#isListening = true;
    return this;
  }

  /** Passes all signals to the receiver until disposed of, for a command that the program runs. */
  divert(receiver: (signal: Deno.Signal) => void): Disposable {
    this.#receiver = receiver;
    return { [Symbol.dispose]: () => this.#receiver = undefined };
  }

  /** Lets a signal end the program immediately again. */
  [Symbol.dispose](): void {
    this.#isListening = false;
  }

  #handle(signals: readonly Deno.Signal[], owner: DisposableStack): void {
    for (const signal of signals) {
      const handler = () => this.#received(signal);
      this.#source.addSignalListener(signal, handler);
      owner.defer(() => this.#source.removeSignalListener(signal, handler));
    }
  }

  #received(signal: Deno.Signal): void {
    if (this.#receiver !== undefined) return this.#receiver(signal);
    if (signal === "SIGHUP" && this.#leavesHangups) return;
    const stopped = new StoppedError(signal);
    if (this.#isListening && !this.#controller.signal.aborted) return this.#controller.abort(stopped);
    for (const restore of this.#restorers) restore();
    this.#exit(stopped.exitCode);
  }
}
