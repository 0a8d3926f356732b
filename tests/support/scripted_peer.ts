/** Accepts each connection and passes it to the test's function. */
export function scriptedPeer(serve: (conn: Deno.Conn) => Promise<void> | void): { endpoint: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  const running = (async () => {
    for await (const conn of listener) {
      conns.push(conn);
      await serve(conn);
    }
  })();
  return {
    endpoint: `tcp://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await running;
      for (const conn of conns) {
        try {
          conn.close();
        } catch {
          // The test has closed it.
        }
      }
    },
  };
}
