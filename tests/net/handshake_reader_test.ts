import { assertEquals, assertRejects } from "@std/assert";
import { HandshakeReader } from "../../src/net/handshake_reader.ts";
import { FakeTransport } from "../support/fake_transport.ts";

/** A message that ends with a line feed. */
function parseLine(bytes: Uint8Array): { text: string; length: number } | undefined {
  const end = bytes.indexOf(0x0a);
  return end === -1 ? undefined : { text: new TextDecoder().decode(bytes.subarray(0, end)), length: end + 1 };
}

async function readText(transport: { read(into: Uint8Array): Promise<number | null> }, size: number) {
  const into = new Uint8Array(size);
  const count = await transport.read(into);
  return count === null ? null : new TextDecoder().decode(into.subarray(0, count));
}

Deno.test("HandshakeReader reads messages however they are split, and returns the bytes that follow", async () => {
  const inner = new FakeTransport();
  const reader = new HandshakeReader(inner);
  inner.say("on", "e\ntwo\nth", "ree");
  assertEquals((await reader.read(parseLine))?.text, "one");
  assertEquals(reader.unreadCount, 6);
  assertEquals((await reader.read(parseLine))?.text, "two");
  assertEquals(reader.unreadCount, 2);
  const above = reader.transport();
  assertEquals([await readText(above, 1), await readText(above, 9)], ["t", "h"]);
  assertEquals(await readText(above, 9), "ree");
});

Deno.test("HandshakeReader reads a message of several chunks, and null if the stream ends inside it", async () => {
  const inner = new FakeTransport();
  const reader = new HandshakeReader(inner);
  const long = "x".repeat(2_000);
  inner.say(`${long}\n`, "end", null);
  assertEquals((await reader.read(parseLine))?.text, long);
  assertEquals(await reader.read(parseLine), null);
  inner.say("x");
  const failing = new HandshakeReader(inner).read(() => {
    throw new Error("malformed");
  });
  await assertRejects(() => failing, Error, "malformed");
});

Deno.test("HandshakeReader is bypassed if nothing follows the handshake", async () => {
  const inner = new FakeTransport();
  inner.say("one\n");
  const reader = new HandshakeReader(inner);
  await reader.read(parseLine);
  assertEquals(reader.transport(), inner);
});

Deno.test("the transport above a handshake writes, ends, closes and resets the one below", async () => {
  const above = async (inner: FakeTransport) => {
    inner.say("one\nrest");
    const reader = new HandshakeReader(inner);
    await reader.read(parseLine);
    return reader.transport();
  };
  const inner = new FakeTransport();
  const transport = await above(inner);
  assertEquals(await transport.write(new TextEncoder().encode("hello")), 5);
  await transport.closeWrite();
  assertEquals([inner.writes, inner.isWriteClosed], [["hello"], true]);
  transport.close();
  assertEquals(inner.closeCount, 1);
  // One that cannot reset is closed.
  const plain = new FakeTransport();
  assertEquals([(await above(plain)).reset?.(), plain.closeCount], [false, 1]);
  const resettable = Object.assign(new FakeTransport(), { reset: () => true });
  assertEquals([(await above(resettable)).reset?.(), resettable.closeCount], [true, 0]);
});
