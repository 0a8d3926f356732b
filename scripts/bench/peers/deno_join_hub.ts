// What a join takes in bare Deno: each client is greeted, its first line is confirmed, and its arrival is announced to
// all others in batches as rare as in Parley.
const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0]), tcpBacklog: 4096 });
const members = new Set<Deno.TcpConn>();
const text = new TextEncoder();
let news = "";
for (;;) void serve(await listener.accept());

async function serve(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(128);
  try {
    await writeAll(conn, text.encode("* Welcome\n"));
    await conn.read(buffer);
    members.add(conn);
    await writeAll(conn, text.encode("* You are in #storm\n"));
    if (news === "") setTimeout(announce, 200 * Math.ceil(members.size / 1_000));
    news += `* guest${members.size} joined #storm\n`;
    while (await conn.read(buffer) !== null);
  } catch {
    // The load has disconnected.
  }
  members.delete(conn);
  conn.close();
}

function announce(): void {
  const bytes = text.encode(news);
  news = "";
  // The loop of a member that cannot be written to handles the error.
  for (const member of members) writeAll(member, bytes).catch(() => {});
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}
