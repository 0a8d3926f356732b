/** Options of {@linkcode TokenBucket}. */
export interface RateOptions {
  /** Tokens per second. */
  perSecond: number;
  /**
   * Maximum tokens in the bucket.
   *
   * @default {perSecond, and 1 at least}
   */
  burst?: number | undefined;
}

/**
 * A rate limit with bursts: tokens are added at a steady rate, up to `burst`. It has no clock; every call passes the
 * time.
 *
 * @example Two at once, then one a second
 * ```ts
 * import { TokenBucket } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * const bucket = new TokenBucket({ perSecond: 1, burst: 2 }, 0);
 * assertEquals([bucket.take(1, 0), bucket.take(1, 0)], [0, 0]);
 * assertEquals(bucket.take(1, 0), 1000);
 * ```
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledMs: number;

  /** Creates a full bucket. */
  constructor(options: RateOptions, nowMs: number) {
    this.#perMs = options.perSecond / 1_000;
    this.#burst = this.#tokens = options.burst ?? Math.max(1, options.perSecond);
    this.#filledMs = nowMs;
  }

  /**
   * Takes tokens, if necessary in advance; returns how long the caller must wait before it may proceed, in
   * milliseconds.
   */
  take(count: number, nowMs: number): number {
    this.#fill(nowMs);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#perMs;
  }

  /** Takes tokens if they are available now; otherwise none. */
  tryTake(count: number, nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** Returns unused tokens. */
  giveBack(count: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + count);
  }

  /** Whether the bucket is full, and thus the same as a new one. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= this.#burst;
  }

  #fill(nowMs: number): void {
    const passedMs = nowMs - this.#filledMs;
    if (passedMs <= 0) return;
    this.#filledMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
  }
}
