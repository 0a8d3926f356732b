import type { Datagram } from "./datagram.ts";
import type { Endpoint } from "./endpoint.ts";

const NOTHING = new Uint8Array(0);

/**
 * A datagram as the runtime gives it, and after it the next one. Its sender's
 * endpoint is made when it is asked for: an echo never does, and at 170,000
 * datagrams a second it shows.
 */
export class IncomingDatagram implements Datagram {
  data: Uint8Array = NOTHING;
  isTruncated = false;
  readonly #maxBytes: number;
  #address: Deno.Addr | undefined;

  /** It is received in a buffer of `maxBytes + 1` bytes: when that is filled, the datagram was longer. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** From now on it is this one. */
  set(data: Uint8Array, address: Deno.Addr): void {
    this.isTruncated = data.length > this.#maxBytes;
    this.data = this.isTruncated ? data.subarray(0, this.#maxBytes) : data;
    this.#address = address;
  }

  /** Who sent it; `null` for a Unix socket that has no name, which cannot be answered. */
  get from(): Endpoint | null {
    const address = this.#address;
    if (address === undefined) return null;
    if (address.transport === "udp" || address.transport === "tcp") {
      return { scheme: "udp", host: address.hostname, port: address.port, path: "/" };
    }
    return "path" in address && address.path ? { scheme: "unixgram", path: address.path } : null;
  }
}
