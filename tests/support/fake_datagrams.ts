import { toBytes } from "../../src/base/bytes.ts";
import { Logger } from "../../src/log/logger.ts";
import { DatagramSocket, type DatagramTransport } from "../../src/net/datagram.ts";
import type { Endpoint } from "../../src/net/endpoint.ts";

export const FAKE_TARGET: Endpoint = { scheme: "udp", host: "192.0.2.7", port: 9, path: "/" };
const LOCAL: Endpoint = { scheme: "udp", host: "192.0.2.1", port: 5_000, path: "/" };
const TARGET_ADDRESS: Deno.NetAddr = { transport: "udp", hostname: "192.0.2.7", port: 9 };

/** A network in memory: `onSend` returns the replies to the sending socket. */
export class FakeDatagramTransport implements DatagramTransport {
  readonly #incoming: (readonly [Uint8Array, Deno.Addr] | Error)[] = [];
  /** Sends wait from now on, until it is `undefined` again. */
  held: Promise<void> | undefined;
  readonly #onSend: (text: string, transport: FakeDatagramTransport, data: Uint8Array) => void;
  #waiting: PromiseWithResolvers<[Uint8Array<ArrayBuffer>, Deno.Addr]> | undefined;

  constructor(onSend: (text: string, transport: FakeDatagramTransport, data: Uint8Array) => void) {
    this.#onSend = onSend;
  }

  deliver(item: string | Uint8Array | Error, from: Deno.Addr = TARGET_ADDRESS): void {
    this.#incoming.push(item instanceof Error ? item : [toBytes(item), from]);
    this.#hand();
  }

  receive(): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#hand();
    return promise;
  }

  async send(data: Uint8Array): Promise<number> {
    // What `onSend` throws is a rejection.
    await this.held;
    this.#onSend(new TextDecoder().decode(data), this, data);
    return data.length;
  }

  close(): void {
    this.#waiting?.reject(new Deno.errors.BadResource("closed"));
  }

  #hand(): void {
    const item = this.#waiting ? this.#incoming.shift() : undefined;
    if (item === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (item instanceof Error) waiting?.reject(item);
    else waiting?.resolve([item[0].slice(), item[1]]);
  }
}

/** A socket over a {@linkcode FakeDatagramTransport}. */
export function fakeDatagramSocket(
  onSend: (text: string, transport: FakeDatagramTransport, data: Uint8Array) => void = () => {},
  endpoint: Endpoint = LOCAL,
  maxBytes = 2_000,
): { socket: DatagramSocket; transport: FakeDatagramTransport } {
  const transport = new FakeDatagramTransport(onSend);
  return { transport, socket: new DatagramSocket(transport, { endpoint, log: Logger.of("test"), maxBytes }) };
}
