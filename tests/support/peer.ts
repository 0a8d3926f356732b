/**
 * Plain peers for tests, on the runtime's own sockets: nothing of Parley is in
 * them, so that a fault of ours is not hidden by the same fault on both sides.
 *
 * @module
 */

/** Connects to an endpoint such as `tcp://127.0.0.1:8888`. */
export async function dial(endpoint: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(endpoint.replace(/^\w+:/, "http:"));
  return await Deno.connect({ hostname: hostname.replaceAll(/[[\]]/g, ""), port: Number(port) });
}

/** Connects to a `tcp:`, `tls:` or `unix:` endpoint; `ca` is the authority to trust, in PEM. */
export async function dialStream(endpoint: string, ca?: string): Promise<Deno.Conn> {
  if (endpoint.startsWith("unix:")) {
    return await Deno.connect({ transport: "unix", path: endpoint.slice("unix:".length) });
  }
  if (!endpoint.startsWith("tls:")) return await dial(endpoint);
  const { hostname, port } = new URL(endpoint.replace("tls:", "http:"));
  return await Deno.connectTls({ hostname, port: Number(port), caCerts: ca === undefined ? [] : [ca] });
}

/** Writes all bytes or a text. */
export async function writeAll(conn: Deno.Conn, data: string | Uint8Array): Promise<void> {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
}

/** Everything the peer sends until its end. */
export async function readToEnd(conn: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    chunks.push(buffer.slice(0, count));
  }
  return await new Blob(chunks).bytes();
}

/** Everything the peer sends until its end, as text. */
export async function readTextToEnd(conn: Deno.Conn): Promise<string> {
  return new TextDecoder().decode(await readToEnd(conn));
}

/** Reads a connection line by line. */
export class LinePeer {
  readonly conn: Deno.Conn;
  #rest = "";
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(64 * 1024);

  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  /** The next line without its end, or `undefined` at the peer's end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end !== -1) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const count = await this.conn.read(this.#buffer);
      if (count === null) return undefined;
      this.#rest += this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true });
    }
  }

  /** The next line that matches; it throws at the peer's end. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line === undefined) throw new Error(`the peer ended before a line matched ${pattern}`);
      if (pattern.test(line)) return line;
    }
  }

  async send(line: string): Promise<void> {
    await writeAll(this.conn, `${line}\n`);
  }
}
