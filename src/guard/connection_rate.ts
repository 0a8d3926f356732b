import { isLoopback } from "../base/ip.ts";
import { AddressBuckets } from "./address_buckets.ts";
import type { Gate, Refusal } from "./gate.ts";

/** Options of {@linkcode ConnectionRate}. */
export interface ConnectionRateOptions {
  /** New connections per second and address, and maximum burst. */
  perSecond: number;
  /**
   * Whether the limit applies to loopback clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
  /** Monotonic clock in milliseconds, for tests. */
  now?: () => number;
}

/** Limits how often one address or IPv6 /64 network connects. */
export class ConnectionRate implements Gate {
  readonly #options: ConnectionRateOptions;
  readonly #buckets: AddressBuckets;
  readonly #now: () => number;

  /** Starts with every address allowed its full rate. */
  constructor(options: ConnectionRateOptions) {
    this.#options = options;
    this.#buckets = new AddressBuckets({ perSecond: options.perSecond });
    this.#now = options.now ?? (() => performance.now());
  }

  enter(address: string): Refusal | undefined {
    if (this.#options.limitsLoopback !== true && isLoopback(address)) return undefined;
    const nowMs = this.#now();
    if (this.#buckets.of(address, nowMs).tryTake(1, nowMs)) return undefined;
    return {
      reason: "limit",
      text: `too many new connections from your address: at most ${this.#options.perSecond} per second`,
    };
  }
}
