import { assertEquals } from "@std/assert";
import { ByteQueue } from "../../src/framing/byte_queue.ts";

/** A queue of the bytes, which begin in the middle of a buffer and are followed by others. */
function queueOf(bytes: readonly number[], { before = 0, after = [] as readonly number[] } = {}): ByteQueue {
  const space = Uint8Array.of(...Array(before).fill(0x0a), ...bytes, ...after);
  const queue = new ByteQueue();
  queue.push(space.subarray(before, before + bytes.length));
  return queue;
}

Deno.test("indexOf() finds a byte at each place, also in a view inside a buffer", () => {
  for (let length = 1; length <= 13; length++) {
    for (let at = 0; at < length; at++) {
      const bytes = Array.from({ length }, (_, index) => index === at ? 0x0a : 0x78);
      for (const before of [0, 1, 3]) {
        const queue = queueOf(bytes, { before });
        assertEquals(queue.indexOf(0x0a, 0), at, `${length} bytes, ${before} before`);
        assertEquals(queue.indexOf(0x0a, at + 1), -1, `${length} bytes, ${before} before`);
      }
    }
  }
});

Deno.test("indexOf() takes no other byte for the one, whatever is next to it", () => {
  for (const byte of [0x00, 0x01, 0x0a, 0x7f, 0x80, 0xff]) {
    for (let other = 0; other < 256; other++) {
      if (other === byte) continue;
      assertEquals(queueOf(Array(8).fill(other)).indexOf(byte, 0), -1, `${byte} in ${other}`);
      assertEquals(queueOf([other, other, byte, other, byte]).indexOf(byte, 0), 2, `${byte} in ${other}`);
    }
  }
});

Deno.test("indexOf() ignores what follows the bytes, and what was taken", () => {
  const queue = queueOf([0x0a, 0x78, 0x78], { after: [0x0a, 0x0a] });
  queue.skip(1);
  assertEquals(queue.indexOf(0x0a, 0), -1);
  queue.keep();
  queue.push(Uint8Array.of(0x78, 0x0a));
  assertEquals(queue.indexOf(0x0a, 0), 3);
});
