// The minimal relay on Deno's sockets: LISTEN_PORT TARGET_PORT.
const [listenPort, targetPort] = Deno.args.map(Number);

async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    for (let done = 0; done < count;) done += await to.write(buffer.subarray(done, count));
  }
  await to.closeWrite();
}

async function relay(client: Deno.TcpConn): Promise<void> {
  using _client = client;
  using target = await Deno.connect({ hostname: "127.0.0.1", port: targetPort ?? 0 });
  client.setNoDelay(true);
  target.setNoDelay(true);
  await Promise.all([pump(client, target), pump(target, client)]);
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: listenPort ?? 0, tcpBacklog: 4096 });
for await (const client of listener) {
  relay(client).catch(() => {
    // A load generator may disconnect at any time.
  });
}
