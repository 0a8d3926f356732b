import { assert, assertEquals } from "@std/assert";
import { ReadBuffer } from "../../src/net/read_buffer.ts";
import { FakeTime } from "../support/fake_time.ts";

const FIRST = 128;

Deno.test("ReadBuffer starts at 128 bytes and doubles with each full read up to 256 KiB", () => {
  const buffer = new ReadBuffer();
  const sizes: number[] = [];
  for (let round = 0; round < 13; round++) {
    sizes.push(buffer.space.length / FIRST);
    buffer.take(buffer.space.length);
  }
  assertEquals(sizes, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 2048]);
});

Deno.test("ReadBuffer.take() returns the bytes that were read, also when the buffer grows", () => {
  const buffer = new ReadBuffer();
  buffer.space.fill(7);
  assertEquals(buffer.take(3), Uint8Array.of(7, 7, 7));
  const full = buffer.take(FIRST);
  assertEquals(full, new Uint8Array(FIRST).fill(7));
  assert(full.buffer !== buffer.space.buffer);
});

Deno.test("ReadBuffer shrinks again after a run of small reads, not below the first size", () => {
  const buffer = new ReadBuffer();
  for (let round = 0; round < 3; round++) buffer.take(buffer.space.length);
  assertEquals(buffer.space.length, 8 * FIRST);
  for (let round = 0; round < 100; round++) buffer.take(10);
  assertEquals(buffer.space.length, FIRST);
});

Deno.test("ReadBuffer.take() reuses the view for messages of one size, and has no view of released bytes", () => {
  const buffer = new ReadBuffer();
  const view = buffer.take(3);
  assert(buffer.take(3) === view);
  assertEquals(buffer.take(4).length, 4);
  buffer.take(FIRST);
  assert(buffer.take(3).buffer === buffer.space.buffer);
});

Deno.test("ReadBuffer.fill() gives others a turn after a read of 16 KiB (BULK_BYTES) that took over 5 ms (SLICE_MS)", async () => {
  for (
    const [bytes, ms, waits] of [
      [16 * 1024, 5, false],
      [16 * 1024, 6, true],
      [16 * 1024 - 1, 1_000, false],
      [256 * 1024, 1_000, true],
    ] as const
  ) {
    using time = new FakeTime();
    let reads = 0;
    const transport = { read: () => Promise.resolve(++reads) };
    const buffer = new ReadBuffer();
    while (buffer.space.length < bytes) buffer.take(buffer.space.length);
    buffer.take(bytes);
    await time.advance(ms);
    const filled = buffer.fill(transport);
    assertEquals(reads, waits ? 0 : 1, `${bytes} bytes, ${ms} ms`);
    await time.advance(1);
    assertEquals(await filled, 1);
  }
});
