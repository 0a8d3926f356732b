/**
 * Measures how late timers fire, which is how long a busy process makes every client wait. Uses one timer and keeps the
 * maximum delay until it is read.
 */
export class EventLoopDelay implements Disposable {
  readonly #intervalMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #dueMs: number;
  #maxMs = 0;

  /** Checks every `intervalMs`. */
  constructor(intervalMs = 100) {
    this.#intervalMs = intervalMs;
    this.#dueMs = performance.now() + intervalMs;
    this.#timer = setInterval(() => this.#measure(), intervalMs);
  }

  /** Returns the maximum delay since the last call, in milliseconds. */
  take(): number {
    const maxMs = Math.max(this.#maxMs, performance.now() - this.#dueMs, 0);
    this.#maxMs = 0;
    return maxMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    const nowMs = performance.now();
    this.#maxMs = Math.max(this.#maxMs, nowMs - this.#dueMs);
    this.#dueMs = nowMs + this.#intervalMs;
  }
}
