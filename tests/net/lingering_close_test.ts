import { assert, assertEquals } from "@std/assert";
import { lingeringClose } from "../../src/net/lingering_close.ts";
import { MAX_TIMER_MS } from "../../src/net/wait.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { drip, FakeTime } from "../support/fake_time.ts";
import { withinTime } from "../support/give_back.ts";

const GENEROUS = { timeoutMs: 60_000 };

Deno.test("lingeringClose() sends queued data, ends our side, and reads to the peer's end", async () => {
  const { connection, transport } = fakeConnection();
  connection.send(new TextEncoder().encode("bye"));
  transport.say("unread", "bytes", null);
  await lingeringClose(connection, GENEROUS);
  assertEquals([transport.writes, transport.isWriteClosed, transport.closeCount], [["bye"], true, 1]);
  assertEquals(connection.closeReason, "done");
});

Deno.test("lingeringClose() waits for a peer that does not end up to its limit", async () => {
  const { connection } = fakeConnection();
  await lingeringClose(connection, { timeoutMs: 5, reason: "drain" });
  assertEquals(connection.closeReason, "drain");
});

Deno.test("lingeringClose() waits also for longer than a timer of the runtime (MAX_TIMER_MS)", async () => {
  using time = new FakeTime();
  const { connection } = fakeConnection();
  const closing = lingeringClose(connection, { timeoutMs: MAX_TIMER_MS + 1_000, reason: "drain" });
  await time.advance(MAX_TIMER_MS + 999);
  assertEquals(connection.closeReason, undefined);
  await time.advance(1);
  await closing;
  assertEquals(connection.closeReason, "drain");
});

Deno.test("lingeringClose() does not throw when the peer is gone", async () => {
  const { connection, transport } = fakeConnection();
  transport.say(new Deno.errors.ConnectionReset("gone"));
  await lingeringClose(connection, GENEROUS);
  assertEquals([connection.closeReason, transport.closeCount], ["reset", 1]);
});

Deno.test("lingeringClose() leaves a closed connection as it is", async () => {
  const { connection, transport } = fakeConnection();
  connection.close("kicked");
  await lingeringClose(connection, GENEROUS);
  assertEquals([connection.closeReason, transport.closeCount], ["kicked", 1]);
});

Deno.test("lingeringClose() sends queued data to a peer that has ended its side, then closes", async () => {
  const { transport, connection } = fakeConnection();
  transport.say(null);
  assertEquals(await connection.read(), null);
  transport.holdWrites();
  connection.send(new TextEncoder().encode("last words"));
  const closing = lingeringClose(connection, { timeoutMs: 60_000, reason: "drain" });
  await Promise.resolve();
  assertEquals(transport.closeCount, 0);
  transport.releaseWrites();
  await withinTime(closing, "the close");
  assertEquals([transport.writes, transport.closeCount, connection.closeReason], [["last words"], 1, "drain"]);
});

Deno.test("lingeringClose() closes at once if both sides have ended, and ignores a closed connection", async () => {
  using time = new FakeTime();
  const { transport, connection } = fakeConnection();
  transport.say(null);
  await connection.read();
  const closing = lingeringClose(connection, { timeoutMs: 60_000 });
  assertEquals([connection.closeReason, time.timerCount, transport.isWriteClosed], ["done", 0, false]);
  await closing;
  await lingeringClose(connection, { timeoutMs: 60_000, reason: "drain" });
  assertEquals([connection.closeReason, transport.closeCount], ["done", 1]);
});

Deno.test("lingeringClose() limits a peer that keeps sending byte after byte to its time", async () => {
  using time = new FakeTime();
  const { transport, connection } = fakeConnection();
  const closing = lingeringClose(connection, { timeoutMs: 2_000 });
  const tookMs = await drip(time, { everyMs: 100, send: () => transport.say("x"), ended: closing, maxMs: 30_000 });
  assert(tookMs >= 2_000 && tookMs <= 2_200, `a peer was given ${tookMs} ms`);
  assertEquals([transport.isWriteClosed, connection.closeReason], [true, "done"]);
});
