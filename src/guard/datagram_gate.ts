import { isLoopback } from "../base/ip.ts";
import type { AccessList } from "./access_list.ts";
import { AddressBuckets } from "./address_buckets.ts";

/** Options of {@linkcode DatagramGate}. */
export interface DatagramGateOptions {
  /** Who may send; without it everybody. */
  access?: AccessList | undefined;
  /** Datagrams a second of one address, or one /64 network of IPv6; as many may come at once. */
  perSecond?: number | undefined;
  /**
   * Whether the rate holds for this machine's own clients.
   *
   * @default {false}
   */
  limitsLoopback?: boolean;
  /** Milliseconds, monotonic; for tests. */
  now?: () => number;
}

/** Decides by its sender whether a datagram is served. */
export class DatagramGate {
  readonly #options: DatagramGateOptions;
  readonly #buckets: AddressBuckets | undefined;
  readonly #now: () => number;

  /** Starts without senders. */
  constructor(options: DatagramGateOptions) {
    this.#options = options;
    this.#buckets = options.perSecond === undefined ? undefined : new AddressBuckets({ perSecond: options.perSecond });
    this.#now = options.now ?? (() => performance.now());
  }

  /** Why the datagram of an address is dropped, or `undefined` if it is served. */
  refusalOf(address: string): "denied" | "rate" | undefined {
    if (this.#options.access?.isAllowed(address) === false) return "denied";
    if (this.#buckets === undefined || this.#options.limitsLoopback !== true && isLoopback(address)) return undefined;
    const nowMs = this.#now();
    return this.#buckets.of(address, nowMs).tryTake(1, nowMs) ? undefined : "rate";
  }
}
