import { createServer } from "node:net";

/** Resets each connection at its first bytes; only Node's sockets can do so on purpose. */
export async function resettingPeer(): Promise<{ endpoint: string } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    endpoint: `tcp://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
