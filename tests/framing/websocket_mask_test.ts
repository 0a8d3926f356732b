import { assert, assertEquals } from "@std/assert";
import { applyMask, copyMasked, maskKeyOf } from "../../src/framing/websocket_mask.ts";

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** As RFC 6455 writes it, one byte at a time. */
function masked(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, at) => byte ^ (KEY[at % 4] ?? 0));
}

Deno.test("applyMask() masks as in RFC 6455 at every alignment and length, below and above WORDS_FROM_BYTES", () => {
  const source = crypto.getRandomValues(new Uint8Array(600));
  for (const length of [0, 1, 3, 4, 5, 511, 512, 513, 514, 515, 545, 580]) {
    for (let offset = 0; offset < 8; offset++) {
      const bytes = source.slice().subarray(offset, offset + length);
      const expected = masked(bytes);
      applyMask(bytes, maskKeyOf(KEY));
      assertEquals(bytes, expected);
    }
  }
});

Deno.test("copyMasked() writes behind the offset and leaves the source as it was", () => {
  const source = crypto.getRandomValues(new Uint8Array(1000));
  const before = source.slice();
  const target = new Uint8Array(1010);
  copyMasked(source, maskKeyOf(KEY), target, 7);
  assertEquals(source, before);
  assertEquals(target.subarray(7, 1007), masked(source));
  assertEquals(target.subarray(1007), new Uint8Array(3));
});

Deno.test("applyMask() returns whether all unmasked bytes are ASCII, wherever one is not", () => {
  for (const length of [0, 1, 5, 511, 512, 545, 600]) {
    for (let offset = 0; offset < 4; offset++) {
      const text = new Uint8Array(604).fill(0x7f).subarray(offset, offset + length);
      applyMask(text, maskKeyOf(KEY));
      assert(applyMask(text, maskKeyOf(KEY)), `${length} at ${offset}`);
      for (let at = 0; at < length; at++) {
        const other = text.slice();
        other[at] = (other[at] ?? 0) ^ 0x80;
        // Behind the offset again, so that words lie as they did.
        const bytes = new Uint8Array(604).subarray(offset, offset + length);
        bytes.set(masked(other));
        assert(!applyMask(bytes, maskKeyOf(KEY)), `${at} of ${length} at ${offset}`);
      }
    }
  }
});
