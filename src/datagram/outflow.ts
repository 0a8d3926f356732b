import type { DatagramSocket } from "../net/datagram.ts";
import type { Endpoint } from "../net/endpoint.ts";

/**
 * Most sends that wait for the kernel at a time. A UDP send hardly ever waits;
 * a Unix datagram waits while its receiver's queue is full.
 */
const MOST_IN_FLIGHT = 64;

/**
 * Sends without being waited for, a bounded number at a time: past the bound a
 * datagram is refused and not queued, so that a peer that does not read costs
 * no memory.
 */
export class Outflow {
  readonly #socket: DatagramSocket;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Sends on `socket`, which it does not close. */
  constructor(socket: DatagramSocket) {
    this.#socket = socket;
  }

  /**
   * Begins to send `data`, which must not change until the promise settles;
   * `undefined` where too many are on their way.
   */
  trySend(data: Uint8Array, to: Endpoint): Promise<void> | undefined {
    if (this.#inFlight >= MOST_IN_FLIGHT) return undefined;
    this.#inFlight++;
    return this.#send(data, to);
  }

  /** Settles when nothing is on its way. */
  async whenIdle(): Promise<void> {
    if (this.#inFlight === 0) return;
    await (this.#idle ??= Promise.withResolvers()).promise;
  }

  async #send(data: Uint8Array, to: Endpoint): Promise<void> {
    try {
      await this.#socket.send(data, to);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }
}
