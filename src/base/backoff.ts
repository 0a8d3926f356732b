import { type Duration, parseDuration } from "./units.ts";

/** Options of {@linkcode Backoff}. */
export interface BackoffOptions {
  /**
   * First delay.
   *
   * @default {"10ms"}
   */
  first?: Duration;
  /**
   * Maximum delay.
   *
   * @default {"1s"}
   */
  max?: Duration;
  /**
   * Random share of each delay, 0 to 1, so that clients that failed together do not retry together.
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
 * Exponential backoff: each delay is twice the previous one, up to `maxMs`.
 *
 * @example Ten milliseconds, doubling to a second
 * ```ts
 * import { Backoff } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const backoff = new Backoff({ first: "10ms", max: "1s" });
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

  /** Starts at the first delay. */
  constructor(options: BackoffOptions = {}) {
    this.#firstMs = parseDuration(options.first ?? 10);
    this.#maxMs = parseDuration(options.max ?? 1_000);
    this.#jitter = options.jitter ?? 0;
    this.#random = options.random ?? Math.random;
    this.#nextMs = this.#firstMs;
  }

  /** True until the first delay has been taken: log only then, once per series of failures. */
  get isFresh(): boolean {
    return this.#nextMs === this.#firstMs;
  }

  /** The next delay, in milliseconds. */
  next(): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(waitMs * 2, this.#maxMs);
    return waitMs * (1 - this.#jitter * this.#random());
  }

  /** Starts over with the first delay, after a success. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
