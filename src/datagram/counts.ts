/** Why a datagram was not served, or its reply not sent. */
export type DropReason =
  /** It was longer than the server takes. */
  | "truncated"
  /** The access list refuses the address. */
  | "denied"
  /** The address sends more than its rate. */
  | "rate"
  /** The reply would have been larger than the request. */
  | "amplification"
  /** The reply was longer than one datagram can be. */
  | "too long"
  /** Too many replies were still on their way to the kernel. */
  | "backlog"
  /** The sender has no address to reply to. */
  | "no address"
  /** The kernel did not take the reply. */
  | "send failed";

/** What a datagram server has done, in datagrams and bytes; nothing that is dropped goes uncounted. */
export class DatagramCounts {
  /** Datagrams that came. */
  received = 0;
  receivedBytes = 0;
  /** Replies that the kernel took. */
  sent = 0;
  sentBytes = 0;
  readonly #dropped = new Map<DropReason, number>();

  /** Counts one that was dropped. */
  drop(reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  /** Dropped datagrams by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /** As fields of a log line; reasons that never occurred are left out. */
  toFields(): Record<string, number> {
    return {
      received: this.received,
      sent: this.sent,
      ...Object.fromEntries(
        [...this.#dropped].map(([reason, count]) => [`dropped ${reason}`.replaceAll(" ", "_"), count]),
      ),
    };
  }
}
