/** A port that neither accepts nor refuses: its backlog is full. */
export async function fullListener(): Promise<{ port: number } & Disposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const waiting: Deno.Conn[] = [];
  try {
    for (let count = 0; count < 64; count++) {
      waiting.push(await Deno.connect({ port: listener.addr.port, signal: AbortSignal.timeout(300) }));
    }
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  return {
    port: listener.addr.port,
    [Symbol.dispose]() {
      for (const conn of waiting) conn.close();
      listener.close();
    },
  };
}
