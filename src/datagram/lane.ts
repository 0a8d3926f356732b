import { ResetError } from "../base/errors.ts";
import type { Datagram, DatagramSocket } from "../net/datagram.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { type Matching, matchReply, type Waiting } from "./matching.ts";

/** A reply, in bytes of its own, and when it came. */
export interface Reply extends Datagram {
  /** By the clock of the exchange, in milliseconds. */
  readonly atMs: number;
}

/** A datagram that waits on a lane. */
export interface Waiter extends Waiting {
  /** Called for each reply until the datagram is taken off the lane. */
  onReply(reply: Reply): void;
  /** Called when the system reports that the target's port is closed. */
  onRefused(): void;
}

/** What a lane is made of. */
export interface LaneOptions {
  matching: Matching;
  /** Whose replies count, or `undefined` for anybody's. */
  source: Endpoint | undefined;
  now: () => number;
  /** A datagram that answers none that waits: late, or a second reply. */
  onUnmatched: () => void;
  /** A datagram from somebody else. */
  onStranger: () => void;
}

/** One socket of an exchange, and the datagrams that wait for replies on it. */
export class Lane {
  readonly socket: DatagramSocket;
  readonly waiting = new Map<number, Waiter>();
  readonly #options: LaneOptions;
  readonly #received: Promise<void>;

  /** Takes over the socket and receives on it. */
  constructor(socket: DatagramSocket, options: LaneOptions) {
    this.socket = socket;
    this.#options = options;
    this.#received = this.#receive();
    // Heard by close(): until then a failure shows as silence.
    this.#received.catch(() => {});
  }

  /** Closes the socket and waits for the receiving to end. */
  async close(): Promise<void> {
    this.socket.close();
    await this.#received;
  }

  async #receive(): Promise<void> {
    const { matching, now, onUnmatched } = this.#options;
    for (;;) {
      const datagram = await this.#next();
      if (datagram === null) return;
      const atMs = now();
      if (!this.#isFromSource(datagram.from)) {
        this.#options.onStranger();
        continue;
      }
      const waiter = matchReply(matching, this.waiting, datagram.data);
      if (waiter) waiter.onReply({ ...datagram, data: datagram.data.slice(), atMs });
      else onUnmatched();
    }
  }

  async #next(): Promise<Datagram | null> {
    for (;;) {
      try {
        return await this.socket.receive();
      } catch (error) {
        // Windows alone hands an ICMP "port unreachable" to an unconnected socket, as a reset.
        if (!(error instanceof ResetError)) throw error;
        for (const waiter of this.waiting.values()) waiter.onRefused();
      }
    }
  }

  #isFromSource(from: Endpoint | null): boolean {
    const { source } = this.#options;
    if (source === undefined) return true;
    if (from === null || from.scheme !== source.scheme) return false;
    if (from.scheme === "udp" && source.scheme === "udp") return from.host === source.host && from.port === source.port;
    return from.path === source.path;
  }
}
