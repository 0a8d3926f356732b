import { assertEquals, assertRejects } from "@std/assert";
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { StreamTransport } from "../../src/net/node_stream.ts";
import { withinTime } from "../support/give_back.ts";

/** A stream that the test plays, over something that can hold the peer back. */
function start() {
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), {
    failsWith: undefined as Error | undefined,
    isDestroyed: false,
    write(bytes: Uint8Array, done: (error?: Error) => void) {
      written.push(new TextDecoder().decode(bytes));
      done(stream.failsWith);
    },
    end: (done: () => void) => done(),
    destroy() {
      stream.isDestroyed = true;
    },
  });
  const wants: boolean[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const below = {
    set wants(isWanted: boolean) {
      wants.push(isWanted);
    },
    whenWritten: (then: (error?: Error) => void) => void waiting.push(then),
    failure: undefined as Error | undefined,
  };
  return { stream, below, wants, waiting, written, transport: new StreamTransport(stream as unknown as Duplex, below) };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function read(transport: StreamTransport, size: number): Promise<string | null> {
  const into = new Uint8Array(size);
  const count = await withinTime(transport.read(into), "a read");
  return count === null ? null : new TextDecoder().decode(into.subarray(0, count));
}

Deno.test("StreamTransport reads the bytes in order, however they are split, then the end", async () => {
  const { stream, transport } = start();
  const first = read(transport, 2);
  stream.emit("data", new TextEncoder().encode("abc"));
  assertEquals(await first, "ab");
  for (const text of ["de", "f", "ghij"]) stream.emit("data", new TextEncoder().encode(text));
  stream.emit("end");
  assertEquals([await read(transport, 4), await read(transport, 100)], ["cdef", "ghij"]);
  assertEquals([await read(transport, 1), await read(transport, 1)], [null, null]);
});

Deno.test("StreamTransport pauses the peer at 64 KiB of unread bytes (READ_AHEAD_BYTES), until they are read", async () => {
  const { stream, wants, transport } = start();
  const reading = read(transport, 10);
  assertEquals(wants, [true]);
  stream.emit("data", new Uint8Array(10));
  await reading;
  stream.emit("data", new Uint8Array(65_535));
  assertEquals(wants, [true]);
  stream.emit("data", new Uint8Array(1));
  assertEquals(wants, [true, false]);
  await read(transport, 65_536);
  assertEquals(wants, [true, false]);
  const more = read(transport, 10);
  assertEquals(wants, [true, false, true]);
  stream.emit("data", new Uint8Array(1));
  await more;
  // What has been read no longer counts.
  stream.emit("data", new Uint8Array(65_535));
  assertEquals(wants.length, 3);
});

Deno.test("StreamTransport writes when all below has been written, and nothing for no bytes", async () => {
  const { transport, written, waiting } = start();
  assertEquals([await transport.write(new Uint8Array(0)), written], [0, []]);
  let count: number | undefined;
  const writing = transport.write(new TextEncoder().encode("hello")).then((taken) => count = taken);
  await turn();
  assertEquals([written, count, waiting.length], [["hello"], undefined, 1]);
  waiting.shift()?.();
  await withinTime(writing, "a write");
  assertEquals(count, 5);
  await withinTime(transport.closeWrite(), "the end");
});

Deno.test("StreamTransport rejects a write when the stream or the transport below fails, or is closed meanwhile", async () => {
  const byStream = start();
  byStream.stream.failsWith = new Error("EPIPE");
  await assertRejects(() => withinTime(byStream.transport.write(new Uint8Array(1)), "a write"), Error, "EPIPE");

  const byBelow = start();
  const writing = byBelow.transport.write(new Uint8Array(1));
  await turn();
  byBelow.waiting.shift()?.(new Error("reset"));
  await assertRejects(() => withinTime(writing, "a write"), Error, "reset");

  const closed = start();
  const unheard = closed.transport.write(new Uint8Array(1));
  closed.transport.close();
  assertEquals(closed.stream.isDestroyed, true);
  closed.stream.emit("close");
  await assertRejects(() => withinTime(unheard, "a write"), Deno.errors.NotConnected);
});

Deno.test("StreamTransport reads the bytes before a failure, then throws it, for the stream and for the transport below", async () => {
  for (const where of ["stream", "below"] as const) {
    const { stream, below, transport } = start();
    stream.emit("data", new TextEncoder().encode("last words"));
    if (where === "below") {
      // As TLS does on the side of a server: it takes a reset for an end.
      below.failure = new Error("reset");
      stream.emit("end");
    } else {
      stream.emit("error", new Error("reset"));
      stream.emit("error", new Error("a later one"));
    }
    assertEquals(await read(transport, 100), "last words");
    await assertRejects(() => read(transport, 100), Error, "reset");
    if (where === "stream") await assertRejects(() => transport.write(new Uint8Array(1)), Error, "reset");
  }
});

Deno.test("StreamTransport ends a read that waits, with the failure if there is one", async () => {
  const failing = start();
  const failed = read(failing.transport, 1);
  failing.stream.emit("error", new Error("reset"));
  await assertRejects(() => failed, Error, "reset");
  const ending = start();
  const ended = read(ending.transport, 1);
  ending.stream.emit("close");
  assertEquals(await ended, null);
});
