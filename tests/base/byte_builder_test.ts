import { assertEquals, assertNotEquals } from "@std/assert";
import { ByteBuilder } from "@parley/parley";

Deno.test("ByteBuilder keeps what is appended in order while it grows", () => {
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

Deno.test("ByteBuilder.take() hands the bytes over: later ones do not change them", () => {
  const builder = new ByteBuilder();
  builder.append(Uint8Array.of(1, 2));
  const taken = builder.take();
  builder.append(Uint8Array.of(9, 9));
  assertEquals(taken, Uint8Array.of(1, 2));
});

Deno.test("ByteBuilder.recycle() uses the memory of bytes that nobody looks at any more", () => {
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
