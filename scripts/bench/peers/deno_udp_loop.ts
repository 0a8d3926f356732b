// A UDP echo server in bare Deno, without Parley: what the runtime itself achieves.
const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: Number(Deno.args[0]) });
const buffer = new Uint8Array(65_536);
for (;;) {
  const [data, from] = await socket.receive(buffer);
  await socket.send(data, from);
}
