import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { ByteBuilder } from "@parley/parley";

Deno.test("ByteBuilder keeps appended bytes in order while it grows", () => {
  const builder = new ByteBuilder();
  const expected = new Uint8Array(10_000).map((_, index) => index);
  for (let from = 0; from < expected.length; from += 100) {
    builder.append(expected.subarray(from, from + 99));
    builder.appendByte(expected[from + 99] ?? 0);
  }
  assertEquals(builder.length, 10_000);
  assertEquals(builder.take(), expected);
  assertEquals(builder.length, 0);
});

Deno.test("ByteBuilder.appendText() appends what TextEncoder makes of a text", () => {
  const builder = new ByteBuilder();
  const texts = ["", "ascii", "é", "€".repeat(300), "a😀", "\ud83d alone", "x".repeat(300), `${"x".repeat(120)}é end`];
  for (const text of texts) builder.appendText(text);
  assertEquals(builder.take(), new TextEncoder().encode(texts.map((text) => text.toWellFormed()).join("")));
});

Deno.test("ByteBuilder.expect() makes room in one step, and keeps what is there", () => {
  const builder = new ByteBuilder();
  builder.append(Uint8Array.of(1, 2));
  builder.expect(1_000);
  builder.append(new Uint8Array(1_000).fill(3));
  const taken = builder.take();
  assertEquals(taken, Uint8Array.of(1, 2, ...Array(1_000).fill(3)));
  assertEquals(taken.buffer.byteLength, 1_002);
});

Deno.test("ByteBuilder.take() hands the bytes over: later ones do not change them", () => {
  const builder = new ByteBuilder();
  builder.append(Uint8Array.of(1, 2));
  const taken = builder.take();
  builder.append(Uint8Array.of(9, 9));
  assertEquals(taken, Uint8Array.of(1, 2));
});

Deno.test("ByteBuilder.recycle() reuses the memory of bytes that are no longer referenced", () => {
  const builder = new ByteBuilder();
  builder.append(Uint8Array.of(1, 2));
  const taken = builder.take();
  builder.recycle(taken);
  builder.append(Uint8Array.of(3));
  assertEquals(builder.take().buffer, taken.buffer);
  builder.append(new Uint8Array(100_000));
  const large = builder.take();
  builder.recycle(large);
  builder.append(Uint8Array.of(4));
  assertNotEquals(builder.take().buffer.byteLength, large.buffer.byteLength);
});

Deno.test("ByteBuilder.recycle() passes a large buffer to the next builder that needs one, with only its own bytes", () => {
  const first = new ByteBuilder();
  first.append(new Uint8Array(100_000).fill(1));
  const taken = first.take();
  first.recycle(taken);
  const second = new ByteBuilder();
  second.append(Uint8Array.of(2));
  second.append(new Uint8Array(50_000).fill(3));
  const reused = second.take();
  assertStrictEquals(reused.buffer, taken.buffer);
  assertEquals([reused.length, reused[0], reused.every((byte, index) => byte === (index === 0 ? 2 : 3))], [
    50_001,
    2,
    true,
  ]);
  // In use again, so a third builder gets another one.
  second.append(new Uint8Array(50_000));
  assertEquals(second.take().buffer === reused.buffer, false);
});
