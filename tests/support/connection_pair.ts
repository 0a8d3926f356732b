import { connect, type Connection, listen, type StreamOptions } from "@parley/parley";

/** Both ends of a connection over TCP. */
export async function pairOf(
  options: StreamOptions = {},
): Promise<{ client: Connection; server: Connection } & AsyncDisposable> {
  using listener = await listen("tcp://127.0.0.1:0", options);
  await using owner = new AsyncDisposableStack();
  const client = owner.use(await connect(listener.endpoint, options));
  const server = await listener.accept();
  if (server === null) throw new Error("nothing was accepted");
  owner.use(server);
  const both = owner.move();
  return { client, server, [Symbol.asyncDispose]: () => both.disposeAsync() };
}
