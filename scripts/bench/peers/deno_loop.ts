// An echo server in bare Deno, without Parley: what the runtime itself achieves.
const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0]), tcpBacklog: 4096 });
for (;;) void echo(await listener.accept());

async function echo(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(256 * 1024);
  try {
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    }
  } catch {
    // The load has disconnected.
  }
  conn.close();
}
