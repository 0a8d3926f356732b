import { addressKey } from "./address_key.ts";
import { type RateOptions, TokenBucket } from "./token_bucket.ts";

/** Addresses that are remembered at once; beyond it the one seen longest ago is forgotten. */
const MAX_ADDRESSES = 10_000;

/** A rate for each address, in bounded memory. */
export class AddressBuckets {
  readonly #rate: RateOptions;
  readonly #buckets = new Map<string, TokenBucket>();

  /** The rate of each single address. */
  constructor(rate: RateOptions) {
    this.#rate = rate;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** The bucket of an address, a full one where it is not known. */
  of(address: string, nowMs: number): TokenBucket {
    const key = addressKey(address);
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, nowMs);
    // Deleted first: a map keeps the order of insertion, so the oldest is in front.
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
