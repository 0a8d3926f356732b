/** How waits grow between tries. */
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
  mostMs?: number;
  /**
   * How much of each wait is left to chance, 0 to 1, so that many who failed
   * together do not come back together.
   *
   * @default {0}
   */
  jitter?: number;
  /**
   * Where chance comes from.
   *
   * @default {Math.random}
   */
  random?: () => number;
}

/**
 * Waits for tries that may fail: each twice the last, up to the longest.
 *
 * @example Ten milliseconds, doubling to a second
 * ```ts
 * import { Backoff } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const backoff = new Backoff({ firstMs: 10, mostMs: 1000 });
 * assertEquals([backoff.next(), backoff.next(), backoff.next()], [10, 20, 40]);
 * backoff.reset();
 * assertEquals(backoff.next(), 10);
 * ```
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #jitter: number;
  readonly #random: () => number;
  #nextMs: number;

  /** Starts at the first wait. */
  constructor(options: BackoffOptions = {}) {
    this.#firstMs = options.firstMs ?? 10;
    this.#mostMs = options.mostMs ?? 1_000;
    this.#jitter = options.jitter ?? 0;
    this.#random = options.random ?? Math.random;
    this.#nextMs = this.#firstMs;
  }

  /** True until the first wait has been taken: the moment to log, once a burst. */
  get isFresh(): boolean {
    return this.#nextMs === this.#firstMs;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(waitMs * 2, this.#mostMs);
    return waitMs * (1 - this.#jitter * this.#random());
  }

  /** Back to the first wait, after a try that went well. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
