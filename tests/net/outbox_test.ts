import { assertEquals, assertRejects } from "@std/assert";
import { Outbox } from "../../src/net/outbox.ts";
import { withinTime } from "../support/give_back.ts";
import { FakeTransport } from "../support/fake_transport.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function start() {
  const transport = new FakeTransport();
  const clock = { nowMs: 5 };
  const failures: unknown[] = [];
  const outbox = new Outbox(transport, clock, {
    onWriteFailed(cause) {
      failures.push(cause);
      return new Error("the owner's error");
    },
    closedError: () => new Error("closed"),
  });
  return { transport, clock, failures, outbox };
}

Deno.test("Outbox writes in order, and no byte twice, when the transport accepts parts", async () => {
  const { transport, outbox } = start();
  transport.writesMost = 3;
  const waiting = outbox.write(bytes("abcdefg"));
  outbox.send(bytes("hi"));
  await withinTime(waiting, "a write");
  await withinTime(outbox.flush(), "the rest");
  assertEquals(transport.writes, ["abc", "def", "g", "hi"]);
  assertEquals([outbox.bytesWritten, outbox.queuedBytes, outbox.highWater], [9, 0, 9]);
  transport.writesMost = Infinity;
  await outbox.write(bytes("xyz"));
  assertEquals(transport.writes.slice(4), ["xyz"]);
});

Deno.test("Outbox joins pieces queued in a turn or during a write, and writes a single piece unchanged", async () => {
  const { transport, outbox } = start();
  outbox.send(bytes("a"));
  outbox.send(bytes("b"));
  await outbox.flush();
  transport.holdWrites();
  outbox.sendNow(bytes("c"));
  for (const text of ["d", "e"]) outbox.send(bytes(text));
  outbox.sendNow(bytes("f"));
  const waiting = outbox.write(bytes("g"));
  assertEquals(outbox.queuedBytes, 5);
  transport.releaseWrites();
  await withinTime(waiting, "the last");
  assertEquals(transport.writes, ["ab", "c", "defg"]);
  const piece = bytes("h");
  const write = transport.write.bind(transport);
  transport.write = (data) => {
    assertEquals(data, piece);
    return write(data);
  };
  outbox.send(piece);
  await outbox.flush();
});

Deno.test("Outbox has a stalled write while one is under way, from the time at which it made progress last", async () => {
  const { transport, outbox, clock } = start();
  assertEquals([outbox.stalledSinceMs, outbox.lastWrittenMs], [undefined, 5]);
  clock.nowMs = 10;
  transport.writesMost = 1;
  transport.holdWrites();
  const waiting = outbox.write(bytes("ab"));
  assertEquals(outbox.stalledSinceMs, 10);
  clock.nowMs = 20;
  transport.releaseWrites();
  transport.holdWrites();
  while (transport.writes.length === 0) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([outbox.stalledSinceMs, outbox.lastWrittenMs], [20, 20]);
  clock.nowMs = 30;
  transport.releaseWrites();
  await withinTime(waiting, "the write");
  assertEquals([outbox.stalledSinceMs, outbox.lastWrittenMs], [undefined, 30]);
});

Deno.test("Outbox.abort() drops the queue, and rejects all waiters, also those of a pending write", async () => {
  const { transport, outbox, failures } = start();
  transport.holdWrites();
  const writing = outbox.write(bytes("under way"));
  outbox.send(bytes("queued"));
  const flushing = outbox.flush();
  outbox.abort();
  assertEquals([outbox.queuedBytes, outbox.highWater], [0, 15]);
  await assertRejects(() => withinTime(flushing, "the flush"), Error, "closed");
  transport.releaseWrites();
  await assertRejects(() => withinTime(writing, "the write"), Error, "closed");
  assertEquals([transport.writes, failures], [["under way"], []]);
});

Deno.test("Outbox rejects a failed write with the owner's error, and notifies the owner if nothing waits for it", async () => {
  for (const method of ["write", "send", "sendNow"] as const) {
    const { transport, outbox, failures } = start();
    transport.holdWrites();
    const result = outbox[method](bytes("x"));
    await Promise.resolve();
    transport.releaseWrites(new Error("broken pipe"));
    if (result !== undefined) await assertRejects(() => withinTime(result, "the write"), Error, "the owner's error");
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    assertEquals([method, failures.map(String)], [method, ["Error: broken pipe"]]);
    assertEquals(outbox.stalledSinceMs, undefined);
  }
});

Deno.test("Outbox.flush() does not wait if nothing is queued", async () => {
  await withinTime(start().outbox.flush(), "nothing");
});
