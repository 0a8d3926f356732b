/** Why a datagram was not served, or its reply not sent. */
export type DropReason =
  /** It was longer than `maxBytes`. */
  | "truncated"
  /** The access list denies the address. */
  | "denied"
  /** The address exceeds its rate. */
  | "rate"
  /** The reply is larger than the request. */
  | "amplification"
  /** Too many sends were waiting for the kernel. */
  | "backlog"
  /** The sender has no address to reply to. */
  | "no address"
  /** It claims to come from the socket that received it, so that a reply would come back without end. */
  | "own address"
  /** No socket to the target could be opened. */
  | "no socket"
  /** It arrived at a relay's socket from another address than the target's. */
  | "unexpected sender"
  /** It is not a valid datagram of the enclosing protocol. */
  | "malformed"
  /** It is a fragment; fragments are not reassembled. */
  | "fragment"
  /** The kernel did not accept it. */
  | "send failed";

/** The traffic in one direction, in datagrams and bytes. Every dropped datagram is counted. */
export class DatagramCounts {
  /** Datagrams that were received. */
  received = 0;
  /** Bytes of the received datagrams. */
  receivedBytes = 0;
  /** Datagrams that the kernel accepted. */
  sent = 0;
  /** Bytes of the datagrams that were sent. */
  sentBytes = 0;
  readonly #dropped = new Map<DropReason, number>();

  /** Counts dropped datagrams. */
  drop(reason: DropReason, count = 1): void {
    if (count > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  /** Dropped datagrams by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /** As fields of a log line, without reasons that did not occur. */
  toFields(prefix = ""): Record<string, number> {
    return {
      [`${prefix}received`]: this.received,
      [`${prefix}sent`]: this.sent,
      ...Object.fromEntries(
        [...this.#dropped].map(([reason, count]) => [`${prefix}dropped_${reason.replaceAll(" ", "_")}`, count]),
      ),
    };
  }
}
