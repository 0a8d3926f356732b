import { assertEquals, assertRejects } from "@std/assert";
import {
  ClosedEarlyError,
  connect,
  type Connection,
  dial,
  encode,
  listen,
  readExactly,
  TimeoutError,
} from "@parley/parley";

/** Listens, connects, accepts; the test has both ends. */
async function ends(): Promise<{ client: Connection; server: Connection } & AsyncDisposable> {
  using listener = await listen("tcp://127.0.0.1:0");
  await using owner = new AsyncDisposableStack();
  const client = owner.use(await connect(listener.endpoint, { connectTimeout: "5s", writeTimeout: "5s" }));
  const server = await listener.accept();
  if (server === null) throw new Error("nothing was accepted");
  owner.use(server);
  const all = owner.move();
  return { client, server, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

Deno.test("library program 9: exact reads, whatever the pieces", async () => {
  await using both = await ends();
  await both.client.write(Uint8Array.of(0, 3, 1));
  const reading = readExactly(both.server, 5);
  await both.client.write(Uint8Array.of(2, 3, 9));
  assertEquals(await reading, Uint8Array.of(0, 3, 1, 2, 3));
  assertEquals(await readExactly(both.server, 1), Uint8Array.of(9));
});

Deno.test("library program 9: an end inside a message is an error, one between messages is not", async () => {
  using listener = await listen("tcp://127.0.0.1:0");
  const frame = encode("length:4be", "hello");
  for (const [sent, error] of [[frame, false], [frame.subarray(0, 6), true]] as const) {
    await using session = await dial(listener.endpoint, { framing: "length:4be" });
    const served = await listener.accept();
    await served?.write(sent);
    await served?.closeWrite();
    const reading = Array.fromAsync(session, (message) => message.text());
    if (error) await assertRejects(() => reading, ClosedEarlyError, "2 of 5 bytes");
    else assertEquals(await reading, ["hello"]);
    served?.close();
  }
});

Deno.test("library program 9: half-close, abort and separate deadlines", async () => {
  await using both = await ends();
  await both.client.write("question");
  await both.client.closeWrite();
  assertEquals([(await both.server.read())?.length, await both.server.read()], [8, null]);
  await both.server.write("answer");
  assertEquals((await both.client.read())?.length, 6);
  const error = await assertRejects(() => both.client.read({ timeout: 10 }), TimeoutError);
  assertEquals([error.phase, error.afterMs], ["reply", 10]);
  const aborter = new AbortController();
  const reading = both.client.read({ signal: aborter.signal });
  aborter.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
  // Nothing of what came meanwhile is lost.
  await both.server.write("late");
  assertEquals((await both.client.read())?.length, 4);
});
