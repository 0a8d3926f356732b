import { parseDuration } from "../base/units.ts";
import type { WaitOptions } from "./wait.ts";

/** A time limit shared by several steps. */
export class Deadline {
  readonly #endMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #now: () => number;

  /** Starts now; `signal` ends every wait early. */
  constructor(timeoutMs: number, signal?: AbortSignal, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#endMs = now() + timeoutMs;
    this.#signal = signal;
  }

  /** Remaining milliseconds, at least 0. */
  get remainingMs(): number {
    return Math.max(0, this.#endMs - this.#now());
  }

  /** Options for one wait: the remaining time, or less. */
  wait(maxMs = Infinity): { signal: AbortSignal | undefined; timeout: number } {
    return { signal: this.#signal, timeout: Math.min(maxMs, this.remainingMs) };
  }
}

/** Options for each of several waits that together take at most `options.timeout`. */
export function sharedWait({ signal, timeout }: WaitOptions): () => WaitOptions | undefined {
  if (timeout === undefined) return () => signal && { signal };
  const deadline = new Deadline(parseDuration(timeout), signal);
  return () => deadline.wait();
}
