import type { Datagram } from "./datagram.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * A datagram as the runtime gives it. Its sender's endpoint is made when it is
 * asked for: an echo never does, and at 170,000 datagrams a second it shows.
 */
export class IncomingDatagram implements Datagram {
  readonly data: Uint8Array;
  readonly isTruncated: boolean;
  readonly #address: Deno.Addr;

  /** `data` in a buffer of `maxBytes + 1` bytes: when it is filled, the datagram was longer. */
  constructor(data: Uint8Array, address: Deno.Addr, maxBytes: number) {
    this.isTruncated = data.length > maxBytes;
    this.data = this.isTruncated ? data.subarray(0, maxBytes) : data;
    this.#address = address;
  }

  /** Who sent it; `null` for a Unix socket that has no name, which cannot be answered. */
  get from(): Endpoint | null {
    const address = this.#address;
    if (address.transport === "udp" || address.transport === "tcp") {
      return { scheme: "udp", host: address.hostname, port: address.port, path: "/" };
    }
    return "path" in address && address.path ? { scheme: "unixgram", path: address.path } : null;
  }
}
