import { isLoopback } from "../base/ip.ts";
import type { AccessList } from "./access_list.ts";
import { AddressBuckets } from "./address_buckets.ts";

/** Options of {@linkcode DatagramGate}. */
interface DatagramGateOptions {
  /** Addresses that may send; by default all. */
  access?: AccessList | undefined;
  /** Datagrams per second from one address or IPv6 /64 network, and maximum burst. */
  perSecond?: number | undefined;
  /**
   * Whether the rate applies to loopback clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
  /** Monotonic clock in milliseconds, for tests. */
  now?: () => number;
}

/** Decides by the sender's address whether a datagram is served. */
export class DatagramGate {
  readonly #options: DatagramGateOptions;
  readonly #buckets: AddressBuckets | undefined;
  readonly #now: () => number;

  /** Starts with every address allowed its full rate. */
  constructor(options: DatagramGateOptions) {
    this.#options = options;
    this.#buckets = options.perSecond === undefined ? undefined : new AddressBuckets({ perSecond: options.perSecond });
    this.#now = options.now ?? (() => performance.now());
  }

  /** Why the datagram is dropped, or `undefined` if it is served. */
  refusalOf(address: string): "denied" | "rate" | undefined {
    if (this.#options.access?.isAllowed(address) === false) return "denied";
    if (this.#buckets === undefined || this.#options.limitsLoopback !== true && isLoopback(address)) return undefined;
    const nowMs = this.#now();
    return this.#buckets.of(address, nowMs).tryTake(1, nowMs) ? undefined : "rate";
  }
}
