/**
 * A plain datagram peer on the runtime's own socket: nothing of Parley is in it.
 *
 * @module
 */

/** Talks to one endpoint such as `udp://127.0.0.1:5000`. */
export class DatagramPeer implements Disposable {
  readonly #conn: Deno.DatagramConn;
  readonly #to: Deno.NetAddr;

  constructor(endpoint: string) {
    const { hostname, port } = new URL(endpoint.replace(/^\w+:/, "http:"));
    const host = hostname.replaceAll(/[[\]]/g, "");
    this.#to = { transport: "udp", hostname: host, port: Number(port) };
    this.#conn = Deno.listenDatagram({ transport: "udp", hostname: host, port: 0 });
  }

  /** Where it is bound. */
  get address(): Deno.NetAddr {
    const { addr } = this.#conn;
    if (addr.transport !== "udp") throw new TypeError("not a UDP socket");
    return addr;
  }

  async send(data: string | Uint8Array): Promise<void> {
    await this.#conn.send(typeof data === "string" ? new TextEncoder().encode(data) : data, this.#to);
  }

  /** The next datagram's bytes. */
  async bytes(): Promise<Uint8Array> {
    return (await this.#conn.receive(new Uint8Array(65_536)))[0].slice();
  }

  /** The next datagram as text. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

/** Binds a UDP port that never answers, and gives its endpoint: a silent peer. */
export function bindSilent(): { endpoint: string } & Disposable {
  const conn = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const port = "port" in conn.addr ? conn.addr.port : 0;
  return { endpoint: `udp://127.0.0.1:${port}`, [Symbol.dispose]: () => conn.close() };
}
