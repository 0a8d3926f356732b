import { assertEquals, assertRejects } from "@std/assert";
import {
  ByteBuilder,
  Connection,
  Logger,
  parseEndpoint,
  parseFraming,
  TimeoutError,
  type Transport,
} from "@parley/parley";
import { StreamSession } from "../../src/session/stream_session.ts";
import { fakeConnection } from "../support/fake_transport.ts";

/** A peer that sends what the test passes to it, and reads nothing. */
class ScriptedTransport implements Transport {
  readonly #waiting: PromiseWithResolvers<number | null>[] = [];
  readonly #chunks: string[] = [];
  #into: Uint8Array | undefined;

  say(text: string): void {
    this.#chunks.push(text);
    this.#deliver();
  }

  read(bytes: Uint8Array): Promise<number | null> {
    this.#into = bytes;
    const waiter = Promise.withResolvers<number | null>();
    this.#waiting.push(waiter);
    this.#deliver();
    return waiter.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new Deno.errors.BadResource("closed"));
  }

  #deliver(): void {
    if (this.#waiting.length === 0 || this.#chunks.length === 0 || !this.#into) return;
    const bytes = new TextEncoder().encode(this.#chunks.shift());
    this.#into.set(bytes);
    this.#waiting.shift()?.resolve(bytes.length);
  }
}

function openSession(framing: string) {
  const transport = new ScriptedTransport();
  const endpoint = parseEndpoint("127.0.0.1:1");
  const connection = new Connection(transport, { id: 1, local: endpoint, remote: endpoint, log: Logger.of("test") });
  return { transport, connection, session: new StreamSession(connection, parseFraming(framing)) };
}

Deno.test("receive() returns null after a close on our side", async () => {
  const { session } = openSession("raw");
  const received = session.receive();
  session.close("kicked");
  assertEquals(await received, null);
  assertEquals(await session.receive(), null);
});

Deno.test("receive() keeps its deadline over the pieces of a message", async () => {
  const { session, transport } = openSession("line");
  const received = session.receive({ timeout: 30 });
  transport.say("half a li");
  await assertRejects(() => received, TimeoutError);
  transport.say("ne\n");
  const batch = await session.receive();
  assertEquals(batch?.map(({ data }) => new TextDecoder().decode(data)), ["half a line"]);
  session.close("done");
});

Deno.test("framer frames as the codec does", () => {
  const { session } = openSession("length:2be");
  const builder = new ByteBuilder();
  parseFraming("length:2be").encode(Uint8Array.of(7), builder);
  assertEquals(session.framer.frame(Uint8Array.of(7), false), builder.take());
  session.close("done");
});

Deno.test("drain() ends a wait for a client that stays silent", async () => {
  const { session, connection } = openSession("line");
  const batch = session.receive();
  session.drain();
  assertEquals(await batch, null);
  assertEquals(connection.closeReason, "drain");
});

Deno.test("receive() returns 1,024 messages of one read (MAX_BATCH), and lets others run before the next", async () => {
  const { transport, connection } = fakeConnection();
  const session = new StreamSession(connection, parseFraming("line"));
  transport.say("\n".repeat(10_000), null);
  const sizes: number[] = [];
  let hasHadTurn = false;
  setTimeout(() => hasHadTurn = true, 0);
  for (let batch = await session.receive(); batch; batch = await session.receive()) sizes.push(batch.length);
  assertEquals(Math.max(...sizes), 1_024);
  assertEquals(connection.messagesRead, 10_000);
  assertEquals(hasHadTurn, true);
  connection.close();
});

Deno.test("receive() throws why the connection was closed, not what was left of the last read", async () => {
  const { transport, connection } = fakeConnection();
  const session = new StreamSession(connection, parseFraming("line"));
  transport.say("\n".repeat(4_096));
  // Reads grow as they are filled: sooner or later one holds more than is given at once.
  while ((await session.receive())?.length !== 1_024);
  const next = session.receive();
  connection.close("write timeout", new TimeoutError("write", "too slow"));
  await assertRejects(() => next, TimeoutError, "too slow");
});

Deno.test("giveUp() passes a connection to the next session, with later data, but never inside a message", async () => {
  const { transport, session: first, connection } = openSession("line");
  const enough = new AbortController();
  transport.say("one\n");
  assertEquals((await first.receive({ signal: enough.signal }))?.length, 1);
  const waiting = first.receive({ signal: enough.signal });
  enough.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  assertEquals(first.giveUp(), true);
  const second = new StreamSession(connection, parseFraming("line"));
  transport.say("two\nthr");
  assertEquals((await second.receive())?.map(({ data }) => new TextDecoder().decode(data)), ["two"]);
  assertEquals(second.giveUp(), false);
  connection.close();
  assertEquals(first.giveUp(), false);
});

Deno.test("receive() lists the messages of its own read only", async () => {
  const { transport, connection, session } = openSession("line");
  const receive = async (text: string) => {
    transport.say(text);
    return (await session.receive())?.map(({ data }) => new TextDecoder().decode(data));
  };
  assertEquals(await receive("1\n2\n3\n"), ["1", "2", "3"]);
  assertEquals(await receive("4\n"), ["4"]);
  transport.say("5\n6\n");
  const batch = await session.receive() ?? [];
  assertEquals(session.sendBack(batch), true);
  assertEquals(await receive("7\n"), ["7"]);
  assertEquals(await receive("8\n9\n"), ["8", "9"]);
  assertEquals(connection.messagesRead, 9);
  session.close("done");
});

Deno.test("sendBack() sends the whole list and empties it, and nothing of one that does not fit", async () => {
  const { transport, connection, session } = openSession("line");
  transport.say("one\ntwo\n");
  const batch = await session.receive();
  assertEquals(batch?.length, 2);
  assertEquals(session.sendBack(batch ?? []), true);
  assertEquals([session.queuedBytes, connection.messagesWritten, batch?.length], [8, 2, 0]);
  await session.flush();
  transport.say("one\ntwo\n");
  const late = await session.receive();
  const rest = connection.outboxBytes - 7;
  assertEquals(connection.send(new Uint8Array(rest)), true);
  assertEquals(session.sendBack(late ?? []), false);
  assertEquals([session.queuedBytes, late?.length], [rest, 2]);
  session.close("done");
});

Deno.test("send() of a text counts its bytes in UTF-8 against the outbox", () => {
  const { connection, session } = openSession("line");
  assertEquals(connection.send(new Uint8Array(connection.outboxBytes - 6)), true);
  assertEquals(session.send("1234567"), false);
  assertEquals(session.send("€€€"), false);
  assertEquals(session.send("€€"), true);
  session.close("done");
});
