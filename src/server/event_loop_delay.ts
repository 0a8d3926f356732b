/**
 * How late timers are: what a program that is too busy makes everybody wait.
 * One timer; the greatest delay is kept until it is taken.
 */
export class EventLoopDelay implements Disposable {
  readonly #intervalMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #dueMs: number;
  #mostMs = 0;

  /** Looks every `intervalMs`. */
  constructor(intervalMs = 100) {
    this.#intervalMs = intervalMs;
    this.#dueMs = performance.now() + intervalMs;
    this.#timer = setInterval(() => this.#look(), intervalMs);
  }

  /** The greatest delay since the last call, in milliseconds. */
  take(): number {
    const mostMs = Math.max(this.#mostMs, performance.now() - this.#dueMs, 0);
    this.#mostMs = 0;
    return mostMs;
  }

  /** Stops the timer. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#mostMs = Math.max(this.#mostMs, nowMs - this.#dueMs);
    this.#dueMs = nowMs + this.#intervalMs;
  }
}
