import { isLoopback } from "../base/ip.ts";
import { addressKey } from "./address_key.ts";
import type { Gate, Refusal } from "./gate.ts";

/** Options of {@linkcode PerAddressLimit}. */
export interface PerAddressLimitOptions {
  /** Most connections of one address at once. */
  maxPerAddress: number;
  /**
   * Whether it holds for this machine's own clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
}

/** Bounds the connections of one address, or of one /64 network of IPv6. */
export class PerAddressLimit implements Gate {
  readonly #options: PerAddressLimitOptions;
  readonly #counts = new Map<string, number>();

  /** Starts empty. */
  constructor(options: PerAddressLimitOptions) {
    this.#options = options;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#counts.size;
  }

  enter(address: string): Refusal | undefined {
    if (!this.#isLimited(address)) return undefined;
    const key = addressKey(address);
    const count = this.#counts.get(key) ?? 0;
    const { maxPerAddress } = this.#options;
    if (count >= maxPerAddress) {
      return { reason: "limit", text: `too many connections of your address: at most ${maxPerAddress}` };
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
