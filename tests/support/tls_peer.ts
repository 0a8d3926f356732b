import type { Pair } from "./certificates.ts";

/** Shakes hands with every client on the runtime's own TLS, echoes, and keeps connections until it is disposed of. */
export function tlsPeer(pair: Pair, alpnProtocols: string[] = []): { endpoint: string } & AsyncDisposable {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair, alpnProtocols });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) serving.push(echo(conn));
  })();
  return {
    endpoint: `tls://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

async function echo(conn: Deno.TlsConn): Promise<void> {
  try {
    await conn.readable.pipeTo(conn.writable);
  } catch {
    // A client that refuses our certificate, or leaves without a word, is what some tests are about.
  }
}
