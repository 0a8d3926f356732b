const BACKLOG = 1;

/** A port that neither accepts nor refuses: its backlog is full. */
export async function fullListener(): Promise<{ port: number } & Disposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: BACKLOG });
  const { port } = listener.addr;
  const waiting: Deno.Conn[] = [];
  // Linux takes one more than the backlog, however long that lasts on a busy machine.
  while (waiting.length <= BACKLOG) waiting.push(await Deno.connect({ port }));
  try {
    // Other systems take further ones.
    while (waiting.length < 64) waiting.push(await Deno.connect({ port, signal: AbortSignal.timeout(300) }));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  return {
    port,
    [Symbol.dispose]() {
      for (const conn of waiting) conn.close();
      listener.close();
    },
  };
}
