import { isLoopback } from "../base/ip.ts";
import { addressKey } from "./address_key.ts";
import type { Gate, Refusal } from "./gate.ts";

/** Options of {@linkcode PerAddressLimit}. */
export interface PerAddressLimitOptions {
  /** Maximum concurrent connections per address. */
  maxPerAddress: number;
  /**
   * Whether the limit applies to loopback clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
}

/** Limits the connections of one address or IPv6 /64 network. */
export class PerAddressLimit implements Gate {
  readonly #options: PerAddressLimitOptions;
  readonly #counts = new Map<string, number>();

  /** Starts with no connection counted. */
  constructor(options: PerAddressLimitOptions) {
    this.#options = options;
  }

  /** Number of remembered addresses. */
  get size(): number {
    return this.#counts.size;
  }

  enter(address: string): Refusal | undefined {
    if (!this.#isLimited(address)) return undefined;
    const key = addressKey(address);
    const count = this.#counts.get(key) ?? 0;
    const { maxPerAddress } = this.#options;
    if (count >= maxPerAddress) {
      return { reason: "limit", text: `too many connections from your address: at most ${maxPerAddress}` };
    }
    this.#counts.set(key, count + 1);
    return undefined;
  }

  leave(address: string): void {
    if (!this.#isLimited(address)) return;
    const key = addressKey(address);
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }

  #isLimited(address: string): boolean {
    return this.#options.limitsLoopback === true || !isLoopback(address);
  }
}
