import { messageOf } from "../base/errors.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { DatagramCounts } from "./counts.ts";

/**
 * Most sends at a time that the kernel has not taken yet. A Unix datagram waits
 * while its receiver's queue is full; a UDP send does not, but all that
 * an impairment has delayed may be due at one moment.
 */
const MOST_IN_FLIGHT = { unixgram: 64, udp: 10_000 };

/**
 * Sends without having to be waited for, a bounded number at a time, and counts what
 * becomes of it: past the bound a datagram is dropped and not queued, so that
 * a peer that does not read costs no memory.
 */
export class Outflow {
  readonly #socket: DatagramSocket;
  readonly #counts: DatagramCounts;
  readonly #most: number;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Sends on `socket`, which it does not close. */
  constructor(socket: DatagramSocket, counts: DatagramCounts) {
    this.#socket = socket;
    this.#counts = counts;
    this.#most = socket.endpoint.scheme === "udp" ? MOST_IN_FLIGHT.udp : MOST_IN_FLIGHT.unixgram;
  }

  /** Begins to send `data`, which must not change from now on; it never fails, but counts. */
  send(data: Uint8Array, to: Endpoint): void {
    if (this.#inFlight >= this.#most) {
      this.#counts.drop("backlog");
      return;
    }
    this.#inFlight++;
    this.#socket.post(data, to, (bytes, error) => {
      this.count(bytes, error);
      this.#done();
    });
  }

  /** Counts what became of one send. */
  count(bytes: number, error?: Error): void {
    if (error === undefined) {
      this.#counts.sent++;
      this.#counts.sentBytes += bytes;
    } else {
      this.#counts.drop("send failed");
      this.#socket.log.debug("not sent", { error: messageOf(error) });
    }
  }

  /** Settles when nothing is on its way. */
  async whenIdle(): Promise<void> {
    if (this.#inFlight === 0) return;
    await (this.#idle ??= Promise.withResolvers()).promise;
  }

  #done(): void {
    if (--this.#inFlight > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
