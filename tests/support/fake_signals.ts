import type { SignalSource } from "../../src/cli/stop_signals.ts";

/** Signals that a test sends to itself: real ones would reach the programs of every test in this process. */
export class FakeSignals implements SignalSource {
  readonly #handlers = new Map<Deno.Signal, Set<() => void>>();

  addSignalListener = (signal: Deno.Signal, handler: () => void): void => {
    this.#handlers.set(signal, (this.#handlers.get(signal) ?? new Set()).add(handler));
  };

  removeSignalListener = (signal: Deno.Signal, handler: () => void): void => {
    this.#handlers.get(signal)?.delete(handler);
  };

  /** Calls the handlers; throws if there is none, where a real signal would end the program. */
  send(signal: Deno.Signal): void {
    const handlers = [...this.#handlers.get(signal) ?? []];
    if (handlers.length === 0) throw new Error(`nothing handles ${signal}`);
    for (const handler of handlers) handler();
  }
}
