/** How the waits between tries grow. */
export interface BackoffOptions {
  /**
   * First wait, in milliseconds.
   *
   * @default {10}
   */
  firstMs?: number;
  /**
   * Longest wait, in milliseconds.
   *
   * @default {1000}
   */
  maxMs?: number;
  /**
   * How much of each wait is random, 0 to 1, so that many clients that failed
   * together do not retry together.
   *
   * @default {0}
   */
  jitter?: number;
  /**
   * Source of random numbers.
   *
   * @default {Math.random}
   */
  random?: () => number;
}

/**
 * Waiting times between tries: each twice the last, up to the longest.
 *
 * @example Ten milliseconds, doubling to a second
 * ```ts
 * import { Backoff } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const backoff = new Backoff({ firstMs: 10, maxMs: 1000 });
 * assertEquals([backoff.next(), backoff.next(), backoff.next()], [10, 20, 40]);
 * backoff.reset();
 * assertEquals(backoff.next(), 10);
 * ```
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #jitter: number;
  readonly #random: () => number;
  #nextMs: number;

  /** Starts at the first wait. */
  constructor(options: BackoffOptions = {}) {
    this.#firstMs = options.firstMs ?? 10;
    this.#maxMs = options.maxMs ?? 1_000;
    this.#jitter = options.jitter ?? 0;
    this.#random = options.random ?? Math.random;
    this.#nextMs = this.#firstMs;
  }

  /** True until the first wait has been taken: log then, once per series of failures. */
  get isFresh(): boolean {
    return this.#nextMs === this.#firstMs;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(waitMs * 2, this.#maxMs);
    return waitMs * (1 - this.#jitter * this.#random());
  }

  /** Returns to the first wait, after a try that succeeded. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
