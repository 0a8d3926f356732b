import { assertEquals, assertThrows } from "@std/assert";
import { ByteBuilder, ClosedEarlyError, fixedCodec, FrameError } from "@parley/parley";
import { byteByByte, decodeAll } from "../support/decoding.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("fixedCodec() cuts messages of one size, byte by byte too", () => {
  assertEquals(decodeAll(fixedCodec(3), [utf8("abcdefghi")]), ["abc", "def", "ghi"]);
  assertEquals(decodeAll(fixedCodec(3), byteByByte(utf8("abcdefghi"))), ["abc", "def", "ghi"]);
});

Deno.test("fixedCodec() reports the received and expected bytes when the stream ends inside a message", () => {
  const decoder = fixedCodec(4).decoder();
  decoder.push(utf8("abcdef"));
  assertEquals(new TextDecoder().decode(decoder.next() as Uint8Array), "abcd");
  assertEquals(decoder.next(), undefined);
  const error = assertThrows(() => decoder.end(), ClosedEarlyError, "2 of 4 bytes received");
  assertEquals([error.received, error.expected], [2, 4]);
});

Deno.test("fixedCodec() rejects a message of another size, and a size below one", () => {
  assertThrows(() => fixedCodec(3).encode(utf8("ab"), new ByteBuilder()), FrameError);
  for (const size of [0, -1, 1.5, NaN]) assertThrows(() => fixedCodec(size), RangeError);
});
