import { assertEquals } from "@std/assert";
import { TransportStream } from "../../src/net/node_stream.ts";
import { FakeTransport } from "../support/fake_transport.ts";
import { withinTime } from "../support/give_back.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A stream, with a line for each of its events and callbacks. */
function start() {
  const transport = new FakeTransport();
  const stream = new TransportStream(transport);
  const events: string[] = [];
  stream.on("data", (data: Uint8Array) => events.push(`data ${new TextDecoder().decode(data)}`));
  stream.on("end", () => events.push("end"));
  stream.on("error", (error: Error) => events.push(`error ${error.message}`));
  stream.on("close", () => events.push("close"));
  return { transport, stream, events };
}

Deno.test("TransportStream reads while it is resumed and somebody wants it, one read at a time", async () => {
  const { transport, stream, events } = start();
  transport.say("one");
  await turn();
  assertEquals(events, []);
  stream.resume();
  await turn();
  assertEquals(events, ["data one"]);
  stream.wants = false;
  transport.say("two", "three");
  await turn();
  // The read that was under way.
  assertEquals(events.slice(1), ["data two"]);
  stream.wants = true;
  await turn();
  assertEquals(events.slice(2), ["data three"]);
  stream.pause();
  transport.say("four", "five");
  await turn();
  assertEquals(events.slice(3), ["data four"]);
  stream.resume();
  transport.say(null);
  await turn();
  assertEquals(events.slice(4), ["data five", "end"]);
  assertEquals([stream.readable, stream.writable], [false, true]);
  stream.resume();
  stream.destroy();
});

Deno.test("TransportStream writes in order, whole, and calls back when each has left", async () => {
  const { transport, stream } = start();
  const done: string[] = [];
  transport.writesMost = 2;
  transport.holdWrites();
  assertEquals(stream.write(bytes("abc"), () => done.push("first")), true);
  stream.write(bytes("d"), () => done.push("second"));
  stream.whenWritten((error) => done.push(`written ${error}`));
  await turn();
  assertEquals(done, []);
  transport.releaseWrites();
  await turn();
  assertEquals([transport.writes, done], [["ab", "c", "d"], ["first", "second", "written undefined"]]);
  stream.whenWritten((error) => done.push(`at once ${error}`));
  assertEquals(done.at(-1), "at once undefined");
  const ended = Promise.withResolvers<void>();
  stream.end(ended.resolve);
  await withinTime(ended.promise, "the end");
  assertEquals([transport.isWriteClosed, stream.writable], [true, false]);
  stream.destroy();
});

Deno.test("TransportStream.end() waits for pending writes", async () => {
  const { transport, stream } = start();
  transport.holdWrites();
  stream.write(bytes("last"), () => {});
  const ended = Promise.withResolvers<void>();
  stream.end(ended.resolve);
  await turn();
  assertEquals(transport.isWriteClosed, false);
  transport.releaseWrites();
  await withinTime(ended.promise, "the end");
  assertEquals(transport.isWriteClosed, true);
  stream.destroy();
});

Deno.test("TransportStream.destroy() closes the transport once, settles waiters, and calls no write callback", async () => {
  const { transport, stream, events } = start();
  const told: string[] = [];
  stream.resume();
  transport.holdWrites();
  stream.write(bytes("x"), () => told.push("left"));
  stream.write(bytes("y"), () => told.push("left"));
  stream.whenWritten((error) => told.push(error?.message ?? "written"));
  stream.destroy();
  stream.destroy(new Error("again"));
  assertEquals([transport.closeCount, events, told], [1, [], ["the connection is closed"]]);
  await turn();
  assertEquals([events, told.length], [["close"], 1]);
  assertEquals([stream.readable, stream.writable, stream.write(bytes("z"), () => told.push("left"))], [
    false,
    false,
    false,
  ]);
  stream.whenWritten((error) => told.push(error?.message ?? "written"));
  assertEquals(told, ["the connection is closed", "the connection is closed"]);
});

Deno.test("TransportStream is destroyed by a read or a write that fails, and by what takes its bytes", async () => {
  const readFails = start();
  readFails.stream.resume();
  readFails.transport.say(new Error("reset"));
  await turn();
  assertEquals([readFails.events, readFails.stream.failure?.message], [["error reset", "close"], "reset"]);

  const writeFails = start();
  const told: string[] = [];
  writeFails.transport.holdWrites();
  writeFails.stream.write(bytes("x"), () => {});
  writeFails.stream.whenWritten((error) => told.push(String(error)));
  writeFails.transport.releaseWrites(new Error("broken pipe"));
  await turn();
  assertEquals([writeFails.events, told], [["error broken pipe", "close"], ["Error: broken pipe"]]);

  const taker = start();
  taker.stream.on("data", () => {
    throw new Error("malformed record");
  });
  taker.stream.resume();
  taker.transport.say("x");
  await turn();
  assertEquals(taker.events.slice(1), ["error malformed record", "close"]);
});

Deno.test("TransportStream takes it well that the transport is closed already, and reports any other failure", async () => {
  for (
    const [failure, events] of [
      [new Deno.errors.BadResource("closed"), ["close"]],
      [new Error("bad close"), ["error bad close", "close"]],
    ] as const
  ) {
    const both = start();
    both.transport.closeFailure = failure;
    both.stream.destroy();
    await turn();
    assertEquals(both.events, [...events]);
  }
});
