import { connect, createServer, type Socket } from "node:net";
import { setTimeout } from "node:timers";

/** How a {@linkcode cuttingProxy} ends each connection. */
type Cut = "reset" | "close";

/**
 * Joins each client to the port, and cuts both off once the server has been
 * silent for `afterMs`, which it is not within a handshake: by a reset or by an
 * end in the middle. Only Node's sockets can reset on purpose.
 */
export async function cuttingProxy(
  port: number,
  cut: Cut,
  afterMs: number,
): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    // What the cut does to the other side shows there.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    keep(client);
    const upstream = keep(connect(port, "127.0.0.1"));
    client.pipe(upstream).pipe(client);
    const timer = setTimeout(() => {
      upstream.destroy();
      if (cut === "reset") client.resetAndDestroy();
      else client.destroy();
    }, afterMs);
    timers.add(timer);
    upstream.on("data", () => timer.refresh());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) timer.close();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
