import { equalBytes, toUpperAscii } from "../base/bytes.ts";
import { ResetError } from "../base/errors.ts";
import { type Datagram, type DatagramSocket, isFrom } from "../net/datagram.ts";
import type { Endpoint } from "../net/endpoint.ts";

/**
 * How a reply is matched to a datagram:
 *
 * - `port`: each datagram has its own local port, so any reply to it matches;
 * - `sequence`: the reply contains the datagram's number;
 * - `content`: the reply equals the datagram, except for the case of ASCII letters.
 */
export type ReplyCorrelation = "port" | "sequence" | "content";

/** A reply; its bytes are a copy. */
export interface Reply extends Datagram {
  /** Time of arrival by the clock of the exchange, in milliseconds. */
  readonly atMs: number;
}

/** A datagram that waits for its reply. */
export interface Waiter {
  /** Its number, from 1. */
  readonly seq: number;
  /** The bytes that were sent. */
  readonly data: Uint8Array;
  /** Called for each reply until the datagram is removed from the matcher. */
  onReply(reply: Reply): void;
  /** Called when the system reports that the target's port is closed. */
  onRefused(): void;
}

/** Options of {@linkcode ReplyMatcher}. */
interface ReplyMatcherOptions {
  correlation: ReplyCorrelation;
  /** The only sender whose replies are accepted; `undefined` for any. */
  source: Endpoint | undefined;
  now: () => number;
  /** Called for a datagram from the source that matches no waiting datagram: a late or repeated reply. */
  onUnmatched: () => void;
  /** Called for a datagram from another sender. */
  onUnexpectedSender: (from: Endpoint | null) => void;
}

/** One socket of an exchange, and the datagrams that wait for replies on it. */
export class ReplyMatcher {
  readonly socket: DatagramSocket;
  readonly waiting = new Map<number, Waiter>();
  readonly #options: ReplyMatcherOptions;
  readonly #received: Promise<void>;

  /** Takes ownership of the socket and receives on it. */
  constructor(socket: DatagramSocket, options: ReplyMatcherOptions) {
    this.socket = socket;
    this.#options = options;
    this.#received = this.#receive();
    // close() reports a failure; until then the datagrams count as unanswered.
    this.#received.catch(() => {});
  }

  /** Closes the socket and waits for the receive loop to end. */
  async close(): Promise<void> {
    this.socket.close();
    await this.#received;
  }

  async #receive(): Promise<void> {
    const { source, now, onUnmatched, onUnexpectedSender } = this.#options;
    for (;;) {
      const datagram = await this.#next();
      if (datagram === null) return;
      const atMs = now();
      if (source !== undefined && !isFrom(source, datagram.from)) {
        onUnexpectedSender(datagram.from);
        continue;
      }
      const waiter = this.#match(datagram.data);
      if (waiter) waiter.onReply({ ...datagram, data: datagram.data.slice(), atMs });
      else onUnmatched();
    }
  }

  async #next(): Promise<Datagram | null> {
    for (;;) {
      try {
        return await this.socket.receive();
      } catch (error) {
        // Only Windows reports an ICMP "port unreachable" to an unconnected socket, as a reset.
        if (!(error instanceof ResetError)) throw error;
        for (const waiter of this.waiting.values()) waiter.onRefused();
      }
    }
  }

  /** The waiting datagram that `reply` answers, if any. */
  #match(reply: Uint8Array): Waiter | undefined {
    const { waiting } = this;
    const { correlation } = this.#options;
    if (correlation === "port") return waiting.values().next().value;
    if (correlation === "content") {
      const wanted = toUpperAscii(reply);
      return waiting.values().find(({ data }) => equalBytes(toUpperAscii(data), wanted));
    }
    for (const [digits] of new TextDecoder().decode(reply).matchAll(/\d+/g)) {
      const found = waiting.get(Number(digits));
      if (found) return found;
    }
    return undefined;
  }
}
