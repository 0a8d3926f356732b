import { addressKey } from "./address_key.ts";
import { type RateOptions, TokenBucket } from "./token_bucket.ts";

/** Maximum number of remembered addresses; beyond it the least recently seen one is forgotten. */
const MAX_ADDRESSES = 10_000;

/** Rate limits per address in bounded memory. */
export class AddressBuckets {
  readonly #rate: RateOptions;
  readonly #buckets = new Map<string, TokenBucket>();

  /** The rate of each address. */
  constructor(rate: RateOptions) {
    this.#rate = rate;
  }

  /** Number of remembered addresses. */
  get size(): number {
    return this.#buckets.size;
  }

  /** The bucket of an address; a full one if the address is new. */
  of(address: string, nowMs: number): TokenBucket {
    const key = addressKey(address);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, nowMs);
    // Deleted and re-added, because a map keeps the order of insertion: the least recently seen comes first.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forget(nowMs);
    return bucket;
  }

  #forget(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (this.#buckets.size <= MAX_ADDRESSES && !bucket.isFull(nowMs)) return;
      if (this.#buckets.size === 1) return;
      this.#buckets.delete(key);
    }
  }
}
