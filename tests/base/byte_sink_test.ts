import { assertEquals, assertNotEquals } from "@std/assert";
import { ByteSink } from "@parley/parley";

Deno.test("ByteSink keeps what is appended in order while it grows", () => {
  const sink = new ByteSink();
  const expected = new Uint8Array(10_000).map((_, index) => index);
  for (let from = 0; from < expected.length; from += 100) {
    sink.append(expected.subarray(from, from + 99));
    sink.appendByte(expected[from + 99] ?? 0);
  }
  assertEquals(sink.length, 10_000);
  assertEquals(sink.take(), expected);
  assertEquals(sink.length, 0);
});

Deno.test("ByteSink.take() hands the bytes over: later ones do not change them", () => {
  const sink = new ByteSink();
  sink.append(Uint8Array.of(1, 2));
  const taken = sink.take();
  sink.append(Uint8Array.of(9, 9));
  assertEquals(taken, Uint8Array.of(1, 2));
});

Deno.test("ByteSink.recycle() uses the memory of bytes that nobody looks at any more", () => {
  const sink = new ByteSink();
  sink.append(Uint8Array.of(1, 2));
  const taken = sink.take();
  sink.recycle(taken);
  sink.append(Uint8Array.of(3));
  assertEquals(sink.take().buffer, taken.buffer);
  sink.append(new Uint8Array(100_000));
  const large = sink.take();
  sink.recycle(large);
  sink.append(Uint8Array.of(4));
  assertNotEquals(sink.take().buffer.byteLength, large.buffer.byteLength);
});
