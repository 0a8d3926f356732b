import { isLoopback } from "../base/ip.ts";
import { AddressBuckets } from "./address_buckets.ts";
import type { Gate, Refusal } from "./gate.ts";

/** Options of {@linkcode ConnectionRate}. */
export interface ConnectionRateOptions {
  /** New connections a second of one address; as many may come at once. */
  perSecond: number;
  /**
   * Whether it holds for this machine's own clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
  /** Milliseconds, monotonic; for tests. */
  now?: () => number;
}

/** Bounds how often one address, or one /64 network of IPv6, connects. */
export class ConnectionRate implements Gate {
  readonly #options: ConnectionRateOptions;
  readonly #buckets: AddressBuckets;
  readonly #now: () => number;

  /** Starts without connections. */
  constructor(options: ConnectionRateOptions) {
    this.#options = options;
    this.#buckets = new AddressBuckets({ perSecond: options.perSecond });
    this.#now = options.now ?? (() => performance.now());
  }

  enter(address: string): Refusal | undefined {
    if (this.#options.limitsLoopback !== true && isLoopback(address)) return undefined;
    const nowMs = this.#now();
    if (this.#buckets.of(address, nowMs).tryTake(1, nowMs)) return undefined;
    return { reason: "limit", text: `your address connects too often: at most ${this.#options.perSecond} a second` };
  }
}
