import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { ClosedEarlyError, ClosedError, ParleyError, readExactly, ResetError, TimeoutError } from "@parley/parley";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import { fakeConnection } from "../support/fake_transport.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** A deadline timer with a clock that the test controls. */
function fakeDeadlineTimer(intervalMs = 100): DeadlineTimer & { at(ms: number): void } {
  let nowMs = 0;
  const deadlineTimer = new DeadlineTimer(intervalMs, () => nowMs);
  return Object.assign(deadlineTimer, {
    at(ms: number) {
      nowMs = ms;
      deadlineTimer.run();
    },
  });
}

Deno.test("read() returns received bytes, then null at the peer's end, and counts", async () => {
  const { connection, transport } = fakeConnection();
  transport.say("one", "two", null);
  assertEquals([textOf(await connection.read()), textOf(await connection.read())], ["one", "two"]);
  assertEquals(connection.bytesRead, 6);
  assertEquals([await connection.read(), connection.isReadEnded, connection.closeReason], [null, true, undefined]);
  connection.close();
});

Deno.test("readThen() passes on what read() would return, whatever comes first", async () => {
  const { connection, transport } = fakeConnection();
  const read = () => connection.readThen((bytes) => `<${textOf(bytes)}>`);
  transport.say("one");
  assertEquals(await read(), "<one>");
  connection.unread(utf8("pushed back"));
  assertEquals(await read(), "<pushed back>");
  connection.watch(() => {});
  transport.say("two", "three", null);
  assertEquals([await read(), textOf(await connection.read())], ["<two>", "three"]);
  assertEquals([await read(), connection.isReadEnded], ["<null>", true]);
  connection.close();
  assertEquals(await read(), "<null>");
});

Deno.test("readThen() passes on nothing if read() would throw, and what its own caller throws", async () => {
  const { connection, transport } = fakeConnection();
  const failure = new Error("not understood");
  transport.say("one", "two", new Deno.errors.ConnectionReset("reset"));
  const thrown = connection.readThen(() => {
    throw failure;
  });
  assertStrictEquals(await assertRejects(() => thrown), failure);
  assertEquals(textOf(await connection.read()), "two");
  await assertRejects(() => connection.readThen(() => "passed on"), ResetError);
  assertEquals(connection.closeReason, "reset");
});

Deno.test("readThen() passes on the end if this side closes the connection meanwhile", async () => {
  const { connection } = fakeConnection();
  const reading = connection.readThen((bytes) => bytes);
  connection.close();
  assertEquals(await reading, null);
});

Deno.test("read() that times out loses nothing", async () => {
  const { connection, transport } = fakeConnection();
  const error = await assertRejects(() => connection.read({ timeout: "1ms" }), TimeoutError);
  assertEquals([error.phase, error.endpoint, error.afterMs], ["reply", "tcp://127.0.0.1:2", 1]);
  transport.say("late");
  assertEquals(textOf(await connection.read()), "late");
  connection.close();
});

Deno.test("read() ended by a signal throws its reason and loses nothing", async () => {
  const { connection, transport } = fakeConnection();
  const stop = new AbortController();
  const reading = connection.read({ signal: stop.signal });
  stop.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
  await assertRejects(() => connection.read({ signal: stop.signal }), Error, "enough");
  transport.say("late");
  assertEquals(textOf(await connection.read({ timeout: 1_000 })), "late");
  connection.close();
});

Deno.test("read() whose deadline has passed, or whose signal has aborted, throws although bytes are there, and loses none", async () => {
  const { connection } = fakeConnection();
  connection.unread(new TextEncoder().encode("there"));
  await assertRejects(() => connection.read({ timeout: 0 }), TimeoutError);
  await assertRejects(() => connection.read({ signal: AbortSignal.abort(new Error("enough")) }), Error, "enough");
  assertEquals(textOf(await connection.read({ timeout: 1 })), "there");
  connection.close();
});

Deno.test("read() makes a ResetError of a reset, and closes", async () => {
  for (const failure of [Deno.errors.ConnectionReset, Deno.errors.ConnectionAborted, Deno.errors.BrokenPipe]) {
    const { connection, transport } = fakeConnection();
    transport.say(new failure("gone"));
    const error = await assertRejects(() => connection.read(), ResetError);
    assertInstanceOf(error.cause, failure);
    assertEquals([connection.closeReason, transport.closeCount], ["reset", 1]);
    assertStrictEquals(connection.closeError, error);
    await assertRejects(() => connection.read(), ResetError);
  }
});

Deno.test("unread() bytes come first, in the order of the stream", async () => {
  const { connection, transport } = fakeConnection();
  transport.say("header body", "next");
  const bytes = await connection.read();
  connection.unread(bytes?.slice(7) ?? new Uint8Array(0));
  connection.unread(utf8("<"));
  assertEquals(textOf(await connection.read()), "<body");
  assertEquals(textOf(await connection.read()), "next");
  connection.close();
});

Deno.test("readExactly() takes from several reads and leaves the rest", async () => {
  const { connection, transport } = fakeConnection();
  transport.say("ab", "cdef", "g");
  assertEquals(textOf(await readExactly(connection, 3)), "abc");
  assertEquals(textOf(await readExactly(connection, 0)), "");
  assertEquals(textOf(await readExactly(connection, 4, { timeout: 1_000 })), "defg");
  connection.close();
});

Deno.test("readExactly() reports the received and expected bytes when the stream ends", async () => {
  const { connection, transport } = fakeConnection();
  transport.say("abc", null);
  const error = await assertRejects(() => readExactly(connection, 10), ClosedEarlyError, "3 of 10 bytes received");
  assertEquals([error.received, error.expected, error.endpoint], [3, 10, "tcp://127.0.0.1:2"]);
  connection.close();
});

Deno.test("readExactly() that times out leaves received bytes for the next read", async () => {
  const { connection, transport } = fakeConnection();
  transport.say("abc");
  await assertRejects(() => readExactly(connection, 5, { timeout: 5 }), TimeoutError);
  transport.say("de");
  assertEquals(textOf(await readExactly(connection, 5)), "abcde");
  connection.close();
});

Deno.test("readExactly() rejects an invalid count", async () => {
  const { connection } = fakeConnection();
  for (const count of [-1, 1.5, NaN]) await assertRejects(() => readExactly(connection, count), RangeError);
  connection.close();
});

Deno.test("send() coalesces the messages of one turn into one write", async () => {
  const { connection, transport } = fakeConnection();
  for (const text of ["a", "b", "c"]) assert(connection.send(utf8(text)));
  assertEquals([connection.queuedBytes, transport.writes], [3, []]);
  await connection.flush();
  assertEquals([connection.queuedBytes, connection.bytesWritten, connection.outboxHighWater], [0, 3, 3]);
  assertEquals(transport.writes, ["abc"]);
  connection.close();
});

Deno.test("send() and write() keep their order, also while a write is under way", async () => {
  const { connection, transport } = fakeConnection();
  transport.holdWrites();
  const first = connection.write(utf8("1"));
  connection.send(utf8("2"));
  const third = connection.write(utf8("3"));
  connection.send(utf8("4"));
  transport.releaseWrites();
  await Promise.all([first, third]);
  await connection.flush();
  assertEquals(transport.writes.join(""), "1234");
  assertEquals(transport.writes.length, 2);
  connection.close();
});

Deno.test("sendLast() sends at once if nothing is queued, otherwise in order", async () => {
  const { connection, transport } = fakeConnection();
  assert(connection.sendLast(utf8("1")));
  assertEquals(transport.writes, ["1"]);
  connection.sendLast(utf8("2"));
  await connection.flush();
  connection.send(utf8("3"));
  connection.sendLast(utf8("4"));
  await connection.flush();
  assertEquals(transport.writes, ["1", "2", "34"]);
  connection.close();
});

Deno.test("sendLast() continues until the transport has accepted everything", async () => {
  const { connection, transport } = fakeConnection();
  transport.writesMost = 4;
  connection.sendLast(utf8("0123456789"));
  await connection.flush();
  assertEquals([transport.writes, connection.bytesWritten, connection.queuedBytes], [["0123", "4567", "89"], 10, 0]);
  connection.close();
});

Deno.test("sendLast() rejects the waiters for bytes that could not be sent", async () => {
  const { connection, transport } = fakeConnection({ limits: { outboxBytes: 10 } });
  transport.holdWrites();
  assert(connection.sendLast(utf8("12345")));
  const flushing = connection.flush();
  transport.releaseWrites(new Deno.errors.ConnectionReset("gone"));
  await assertRejects(() => flushing, ResetError);
  assertEquals(connection.sendLast(utf8("x")), false);
  connection.close();
});

Deno.test("write() continues until the transport has accepted everything", async () => {
  const { connection, transport } = fakeConnection();
  transport.writesMost = 4;
  await connection.write(utf8("0123456789"));
  assertEquals([transport.writes, connection.bytesWritten, connection.queuedBytes], [["0123", "4567", "89"], 10, 0]);
  await connection.write(new Uint8Array(0));
  connection.close();
});

Deno.test("send() rejects what does not fit in the outbox, and closes nothing (fault 3)", async () => {
  const { connection, transport } = fakeConnection({ limits: { outboxBytes: 10 } });
  transport.holdWrites();
  const writing = connection.write(utf8("12345"));
  assertEquals([connection.fits(5), connection.fits(6)], [true, false]);
  assert(connection.send(utf8("67890")));
  assertEquals([connection.send(utf8("x")), connection.sendLast(utf8("x"))], [false, false]);
  assertEquals([connection.closeReason, connection.queuedBytes, transport.closeCount], [undefined, 10, 0]);
  transport.releaseWrites();
  await writing;
  await connection.flush();
  assert(connection.send(utf8("again")), "there is room again");
  await connection.flush();
  assertEquals(transport.writes.join(""), "1234567890again");
  connection.close();
});

Deno.test("send() rejects one message larger than the outbox, and write() sends it (fault 3)", async () => {
  const { connection, transport } = fakeConnection({ limits: { outboxBytes: 10 } });
  assertEquals(connection.send(utf8("12345678901")), false);
  assertEquals([connection.closeReason, connection.queuedBytes], [undefined, 0]);
  await connection.write(utf8("12345678901"));
  assertEquals(transport.writes, ["12345678901"]);
  connection.close();
});

Deno.test("dispose sends queued data before it closes (fault 3)", async () => {
  const { connection, transport } = fakeConnection();
  transport.writesMost = 4;
  connection.send(utf8("last words"));
  await connection[Symbol.asyncDispose]();
  assertEquals([transport.writes.join(""), connection.closeReason], ["last words", "done"]);
});

Deno.test("dispose waits up to the write deadline for a peer that does not read (fault 3)", async () => {
  const { connection, transport } = fakeConnection({ limits: { writeMs: 20 } });
  transport.holdWrites();
  connection.send(utf8("x"));
  const startMs = performance.now();
  await connection[Symbol.asyncDispose]();
  assert(performance.now() - startMs < 2_000);
  assertInstanceOf(connection.closeError, TimeoutError);
  assertEquals([connection.closeReason, connection.closeError.afterMs], ["write timeout", 20]);
});

Deno.test("dispose does not throw when the peer is gone, and closes (fault 3)", async () => {
  const { connection, transport } = fakeConnection();
  transport.holdWrites();
  connection.send(utf8("x"));
  const disposing = connection[Symbol.asyncDispose]();
  await Promise.resolve();
  transport.releaseWrites(new Deno.errors.ConnectionReset("gone"));
  await disposing;
  assertEquals(transport.closeCount, 1);
});

Deno.test("closeWrite() accepts no more data from the moment of the call (fault 3)", async () => {
  const { connection, transport } = fakeConnection();
  transport.holdWrites();
  connection.send(utf8("first"));
  const ending = connection.closeWrite();
  assertEquals([connection.send(utf8("late")), connection.isWritable], [false, false]);
  await assertRejects(() => connection.write(utf8("late")), ClosedError, "ended its side");
  transport.releaseWrites();
  await ending;
  assertEquals([transport.writes, transport.isWriteClosed], [["first"], true]);
  connection.close();
});

Deno.test("write() after a local close throws a ClosedError, which is not a ResetError (fault 38)", async () => {
  const { connection } = fakeConnection();
  connection.close();
  const error = await assertRejects(() => connection.write(utf8("x")), ClosedError, "this side has closed");
  assertEquals([error instanceof ResetError, error.endpoint], [false, "tcp://127.0.0.1:2"]);
  await assertRejects(() => connection.flush(), ClosedError);
});

Deno.test("a read that times out reports the time and the number of bytes received (fault 38)", async () => {
  const { connection, transport } = fakeConnection();
  transport.say("abc");
  await connection.read();
  const error = await assertRejects(() => connection.read({ timeout: 30 }), TimeoutError);
  assertEquals(error.afterMs, 30);
  assertEquals(
    error.message,
    "The connection to tcp://127.0.0.1:2 timed out: nothing was received within 30ms (3 bytes received, 0 sent in all)",
  );
  connection.close();
});

Deno.test("close() runs once, settles every waiter and ends readers", async () => {
  const { connection, transport } = fakeConnection();
  transport.holdWrites();
  const reading = connection.read();
  const writing = connection.write(utf8("x"));
  connection.send(utf8("y"));
  const flushing = connection.flush();
  const closed = connection.closed;
  connection.close("kicked");
  connection.close("error", new Error("too late"));
  await using _ = connection;
  assertEquals([await reading, await connection.read()], [null, null]);
  await assertRejects(() => writing, ClosedError);
  await assertRejects(() => flushing, ClosedError);
  await assertRejects(() => connection.write(utf8("z")), ClosedError);
  assertEquals([await closed, await connection.closed, connection.closeError], ["kicked", "kicked", undefined]);
  assertEquals(transport.closeCount, 1);
});

Deno.test("close() with an error makes reads and writes under way throw it", async () => {
  const { connection, transport } = fakeConnection();
  transport.holdWrites();
  const work = [connection.read(), connection.write(utf8("x"))];
  const reason = new ParleyError("overruled");
  connection.close("error", reason);
  for (const outcome of await Promise.allSettled(work)) {
    assertStrictEquals(outcome.status === "rejected" && outcome.reason, reason);
  }
});

Deno.test("close() takes it well that the runtime has closed the socket before", () => {
  const { connection, transport } = fakeConnection();
  transport.closeFailure = new Deno.errors.BadResource("gone");
  connection.close();
  assertEquals(connection.closeReason, "done");
});

Deno.test("closeWrite() sends queued data first, and does not affect reading", async () => {
  const { connection, transport } = fakeConnection();
  connection.send(utf8("last words"));
  await connection.closeWrite();
  await connection.closeWrite();
  assertEquals([transport.writes, transport.isWriteClosed], [["last words"], true]);
  assertEquals(connection.send(utf8("more")), false);
  transport.say("reply", null);
  assertEquals([textOf(await connection.read()), await connection.read()], ["reply", null]);
  connection.close();
});

Deno.test("read() returns what a peer sent before it reset the connection, and then closes", async () => {
  const { connection, transport } = fakeConnection();
  transport.holdWrites();
  const writing = connection.write(utf8("too much"));
  connection.send(utf8("more"));
  const flushing = connection.flush();
  transport.releaseWrites(new Deno.errors.BrokenPipe("gone"));
  await assertRejects(() => writing, ResetError);
  await assertRejects(() => flushing, ResetError);
  assertEquals([connection.closeReason, connection.queuedBytes], [undefined, 0]);
  await assertRejects(() => connection.write(utf8("x")), ResetError);
  assertEquals(connection.send(utf8("x")), false);
  transport.say("too big", null);
  assertEquals([textOf(await connection.read()), await connection.read()], ["too big", null]);
  assertEquals([connection.closeReason, transport.closeCount], ["reset", 1]);
});

Deno.test("closeWrite() detects whether a peer that has ended accepted later data", async () => {
  const { connection, transport } = fakeConnection();
  transport.say(null);
  assertEquals(await connection.read(), null);
  transport.holdWrites();
  const ending = connection.closeWrite();
  await Promise.resolve();
  transport.releaseWrites(new Deno.errors.BrokenPipe("gone"));
  await assertRejects(() => ending, ResetError);
  assertEquals(connection.closeReason, "reset");
});

Deno.test("checkDeadlines() closes a connection whose first byte is late", async () => {
  using deadlineTimer = fakeDeadlineTimer();
  const { connection } = fakeConnection({ deadlineTimer, limits: { firstByteMs: 1_000 } });
  const reading = connection.read();
  deadlineTimer.at(999);
  assertEquals(connection.closeReason, undefined);
  deadlineTimer.at(1_000);
  assertEquals(connection.closeReason, "first byte timeout");
  assertEquals((await assertRejects(() => reading, TimeoutError)).phase, "first byte");
  assertEquals(deadlineTimer.size, 0);
});

for (const way of ["in", "out", "elsewhere", "no way"]) {
  Deno.test(`checkDeadlines() closes a connection once nothing has moved for its idle time: ${way}`, async () => {
    using deadlineTimer = fakeDeadlineTimer();
    const { connection, transport } = fakeConnection({ deadlineTimer, limits: { idleMs: 1_000 } });
    let movedMs = 0;
    if (way !== "no way") {
      for (let ms = 900; ms <= 4_500; ms += 900) {
        deadlineTimer.at(ms);
        if (way === "in") {
          transport.say("x");
          await connection.read();
        } else if (way === "out") await connection.write(utf8("y"));
        else connection.touch();
        movedMs = ms;
      }
    }
    deadlineTimer.at(movedMs + 999);
    assertEquals(connection.closeReason, undefined);
    deadlineTimer.at(movedMs + 1_201);
    assertEquals(connection.closeReason, "idle timeout");
    assertInstanceOf(connection.closeError, TimeoutError);
  });
}

Deno.test("checkDeadlines() does not take a slow but steady write for idleness", async () => {
  using deadlineTimer = fakeDeadlineTimer();
  const { connection, transport } = fakeConnection({ deadlineTimer, limits: { idleMs: 1_000, writeMs: 1_000 } });
  transport.writesMost = 1;
  transport.holdWrites();
  const writing = connection.write(utf8("123456"));
  for (let ms = 800; ms <= 4_000; ms += 800) {
    deadlineTimer.at(ms);
    transport.releaseWrites();
    const written = connection.bytesWritten;
    transport.holdWrites();
    // The write that was let go, and the start of the next, which is held.
    while (connection.bytesWritten === written) await Promise.resolve();
  }
  assertEquals(connection.closeReason, undefined);
  transport.releaseWrites();
  await writing;
  connection.close();
});

Deno.test("checkDeadlines() closes a connection whose peer reads nothing, with its own reason", async () => {
  using deadlineTimer = fakeDeadlineTimer();
  const { connection, transport } = fakeConnection({ deadlineTimer, limits: { writeMs: 1_000 } });
  transport.holdWrites();
  const writing = connection.write(utf8("x"));
  deadlineTimer.at(1_000);
  assertEquals(connection.closeReason, undefined);
  deadlineTimer.at(1_201);
  assertEquals(connection.closeReason, "write timeout");
  assertEquals((await assertRejects(() => writing, TimeoutError)).phase, "write");
});

Deno.test("checkDeadlines() ends a connection at its lifetime, busy or not", async () => {
  using deadlineTimer = fakeDeadlineTimer();
  const { connection, transport } = fakeConnection({ deadlineTimer, limits: { totalMs: 2_000 } });
  deadlineTimer.at(1_900);
  transport.say("x");
  await connection.read();
  deadlineTimer.at(1_999);
  assertEquals(connection.closeReason, undefined);
  deadlineTimer.at(2_000);
  assertEquals(connection.closeReason, "lifetime");
});

Deno.test("log names the connection and the peer once", () => {
  const { connection } = fakeConnection({ id: 7 });
  assertStrictEquals(connection.log, connection.log);
  connection.close();
});
