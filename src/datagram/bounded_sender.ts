import { messageOf } from "../base/errors.ts";
import type { DatagramSocket } from "../net/datagram.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { DatagramCounts } from "./counts.ts";

/**
 * Maximum pending sends. A Unix datagram waits while the receiver's queue is full; a UDP send does not, but all
 * datagrams that an impairment has delayed may be due at the same time.
 */
const MAX_IN_FLIGHT = { unixgram: 64, udp: 10_000 };

/**
 * Sends on a socket without waiting, and counts the results. Beyond a bound,
 * datagrams are dropped instead of queued, so that a peer that does not read
 * cannot exhaust memory.
 */
export class BoundedSender {
  readonly #socket: DatagramSocket;
  readonly #counts: DatagramCounts;
  readonly #maxInFlight: number;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Does not close `socket`. */
  constructor(socket: DatagramSocket, counts: DatagramCounts) {
    this.#socket = socket;
    this.#counts = counts;
    this.#maxInFlight = socket.endpoint.scheme === "udp" ? MAX_IN_FLIGHT.udp : MAX_IN_FLIGHT.unixgram;
  }

  /** Starts to send `data`, which must not change afterwards. Failures are counted. */
  send(data: Uint8Array, to: Endpoint): void {
    if (this.#inFlight >= this.#maxInFlight) return this.#counts.drop("backlog");
    this.#inFlight++;
    this.#socket.post(data, to, (bytes, error) => {
      this.count(bytes, error);
      this.#done();
    });
  }

  /** Counts the result of one send. */
  count(bytes: number, error?: Error): void {
    if (error === undefined) {
      this.#counts.sent++;
      this.#counts.sentBytes += bytes;
    } else {
      this.#counts.drop("send failed");
      this.#socket.log.debug("datagram not sent", { error: messageOf(error) });
    }
  }

  /** Settles when no send is pending. */
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
