// An echo server over TLS in bare Deno, with its own rustls; Nagle's algorithm cannot be turned off.
const [port, cert = "", key = ""] = Deno.args;
const listener = Deno.listenTls({
  hostname: "127.0.0.1",
  port: Number(port),
  cert: Deno.readTextFileSync(cert),
  key: Deno.readTextFileSync(key),
});
for (;;) void echo(await listener.accept());

async function echo(conn: Deno.TlsConn): Promise<void> {
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
