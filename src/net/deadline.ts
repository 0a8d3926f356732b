import type { WaitOptions } from "./wait.ts";

/** A point in time by which several steps together must be done. */
export class Deadline {
  readonly #endMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #now: () => number;

  /** `timeoutMs` from now; `signal` ends every wait earlier. */
  constructor(timeoutMs: number, signal?: AbortSignal, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#endMs = now() + timeoutMs;
    this.#signal = signal;
  }

  /** Milliseconds that are left, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#endMs - this.#now());
  }

  /** For one wait: all the time that is left, or less. */
  wait(maxMs = Infinity): WaitOptions {
    return { signal: this.#signal, timeoutMs: Math.min(maxMs, this.remainingMs) };
  }
}
