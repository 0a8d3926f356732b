/** Forwards clients to a port until the test severs or freezes it. */
export class SeverableProxy implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #conns = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  #isSevered = false;
  /** Settled while bytes pass. */
  #gate = Promise.withResolvers<void>();

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#gate.resolve();
    this.#running = this.#run();
  }

  /** Ends all connections; new ones are ended at once. */
  sever(): void {
    this.#isSevered = true;
    for (const conn of this.#conns) close(conn);
    this.#conns.clear();
  }

  /** Stops forwarding, without closing anything. */
  freeze(): void {
    this.#gate = Promise.withResolvers();
  }

  /** Everything passes again. */
  mend(): void {
    this.#isSevered = false;
    this.#gate.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.mend();
    this.sever();
    this.#listener.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const joined: Promise<unknown>[] = [];
    try {
      for (;;) {
        const client = await this.#listener.accept();
        if (this.#isSevered) close(client);
        else joined.push(this.#join(client));
      }
    } catch {
      // The listener was closed.
    }
    await Promise.all(joined);
  }

  async #join(client: Deno.TcpConn): Promise<void> {
    this.#conns.add(client);
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#conns.add(server);
      await Promise.all([this.#copy(client, server), this.#copy(server, client)]);
    } catch {
      close(client);
    }
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        await this.#gate.promise;
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // Severed, or ended by one side: so is the other.
    }
    close(from);
    close(to);
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}
