// A hub in bare Deno: forwards input of each client unchanged to all others, without a chat or Parley.
// The first line of a client is not broadcast: with a thousand clients, a thousand names would go to each of them.
const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0]), tcpBacklog: 4096 });
const members = new Set<Deno.TcpConn>();
for (;;) void serve(await listener.accept());

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  members.add(conn);
  const buffer = new Uint8Array(64 * 1024);
  try {
    await conn.read(buffer);
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      const bytes = buffer.slice(0, count);
      for (const member of members) if (member !== conn) void writeAll(member, bytes);
    }
  } catch {
    // The load has disconnected.
  }
  members.delete(conn);
  conn.close();
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  try {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
  } catch {
    // Its own loop handles the error.
  }
}
