import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { ByteBuilder, ClosedEarlyError, FrameError, lengthCodec, type LengthFormat } from "@parley/parley";
import { byteByByte, decodeAll } from "../support/decoding.ts";

const MIB = 1024 * 1024;
const FORMATS: readonly (LengthFormat & { three: number[] })[] = [
  { bytes: 1, three: [3] },
  { bytes: 2, endianness: "be", three: [0, 3] },
  { bytes: 2, endianness: "le", three: [3, 0] },
  { bytes: 4, endianness: "be", three: [0, 0, 0, 3] },
  { bytes: 4, endianness: "le", three: [3, 0, 0, 0] },
  { bytes: 8, endianness: "be", three: [0, 0, 0, 0, 0, 0, 0, 3] },
  { bytes: 8, endianness: "le", three: [3, 0, 0, 0, 0, 0, 0, 0] },
  { bytes: "varint", three: [3] },
];

function prefix(length: number, { endianness }: LengthFormat): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, length, endianness === "le");
  return new Uint8Array(view.buffer);
}

for (const { three, ...format } of FORMATS) {
  const codec = lengthCodec(format, MIB);

  Deno.test(`lengthCodec() ${codec.name} decodes what it encodes, byte by byte too, empty messages included (fault 33)`, () => {
    const builder = new ByteBuilder();
    const expected = ["one", "", "zweite Nachricht", "x".repeat(255), "", ""];
    for (const text of expected) codec.encode(new TextEncoder().encode(text), builder);
    const bytes = builder.take();
    assertEquals([...bytes.subarray(0, three.length)], three);
    assertEquals(decodeAll(codec, [bytes]), expected);
    assertEquals(decodeAll(codec, byteByByte(bytes)), expected);
  });
}

Deno.test("lengthCodec() takes the longest message of its prefix, and no longer one (fault 33)", () => {
  for (const [bytes, max] of [[1, 255], [2, 65_535]] as const) {
    const codec = lengthCodec({ bytes }, MIB);
    const builder = new ByteBuilder();
    codec.encode(new Uint8Array(max), builder);
    const decoder = codec.decoder();
    decoder.push(builder.take());
    assertEquals((decoder.next() as Uint8Array).length, max);
    assertThrows(() => codec.encode(new Uint8Array(max + 1), new ByteBuilder()), FrameError, `0 to ${max}`);
  }
});

Deno.test("lengthCodec() writes varints as Protocol Buffers does, and reads longer forms (fault 33)", () => {
  const codec = lengthCodec({ bytes: "varint" }, MIB);
  for (
    const [length, expected] of [[0, [0]], [127, [0x7f]], [128, [0x80, 1]], [300, [0xac, 2]], [65_536, [
      128,
      128,
      4,
    ]]] as const
  ) {
    const builder = new ByteBuilder();
    codec.encode(new Uint8Array(length), builder);
    assertEquals([...builder.take().subarray(0, expected.length)], [...expected]);
  }
  assertEquals(decodeAll(codec, [Uint8Array.of(0x81, 0x80, 0, 65)]), ["A"]);
});

Deno.test("lengthCodec() rejects a varint that is too long (MAX_VARINT_BYTES) or announces too much (fault 33)", () => {
  const codec = lengthCodec({ bytes: "varint" }, 300);
  const [tooLong] = decodeAll(codec, [new Uint8Array(10).fill(0x80)], false);
  assertEquals(tooLong, "FrameError: Received a length of more than 10 bytes");
  assertEquals(decodeAll(codec, [new Uint8Array(9).fill(0x80)], false), []);
  const [tooMuch] = decodeAll(codec, [Uint8Array.of(0xad, 2)], false);
  assertEquals(tooMuch, "FrameError: A message of 301 bytes was announced: 0 to 300 are accepted");
  const decoder = codec.decoder();
  decoder.push(Uint8Array.of(0x80));
  assertEquals(decoder.next(), undefined);
  assertThrows(() => decoder.end(), ClosedEarlyError, "inside a length");
});

Deno.test("lengthCodec() rejects 2^63 in eight bytes (fault 33)", () => {
  const [error] = decodeAll(lengthCodec({ bytes: 8 }, MIB), [Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0)], false);
  assertStringIncludes(error ?? "", "bytes was announced: 0 to 1048576 are accepted");
});

Deno.test("lengthCodec() rejects 2^31 and 2^32-1 as soon as the prefix is complete", () => {
  const format: LengthFormat = { bytes: 4, endianness: "be" };
  for (const length of [2 ** 31, 2 ** 32 - 1, MIB + 1]) {
    const [error] = decodeAll(lengthCodec(format, MIB), [prefix(length, format)], false);
    assertEquals(error, `FrameError: A message of ${length} bytes was announced: 0 to ${MIB} are accepted`);
  }
});

Deno.test("lengthCodec() takes a message at the limit and no longer one", () => {
  const format: LengthFormat = { bytes: 4, endianness: "be" };
  const codec = lengthCodec(format, 5);
  assertEquals(decodeAll(codec, [prefix(5, format), new TextEncoder().encode("fives")]), ["fives"]);
  assertStringIncludes(decodeAll(codec, [prefix(6, format)], false)[0] ?? "", "FrameError");
  assertThrows(() => codec.encode(new Uint8Array(6), new ByteBuilder()), FrameError, "6 bytes");
});

Deno.test("lengthCodec() reports the received and expected bytes when the stream ends inside a message", () => {
  const codec = lengthCodec({ bytes: 4, endianness: "be" }, MIB);
  const decoder = codec.decoder();
  decoder.push(Uint8Array.of(0, 0, 0, 100, 1, 2, 3));
  assertEquals(decoder.next(), undefined);
  const error = assertThrows(() => decoder.end(), ClosedEarlyError, "3 of 100 bytes received");
  assertEquals([error.received, error.expected], [3, 100]);
});

Deno.test("lengthCodec() also reports a stream that ends inside the length", () => {
  const decoder = lengthCodec({ bytes: 4, endianness: "be" }, MIB).decoder();
  decoder.push(Uint8Array.of(0, 0));
  assertEquals(decoder.next(), undefined);
  assertInstanceOf(assertThrows(() => decoder.end(), ClosedEarlyError, "2 of 4 bytes received"), ClosedEarlyError);
});

Deno.test("lengthCodec() returns nothing for a stream that ends between messages", () => {
  const codec = lengthCodec({ bytes: 2, endianness: "be" }, MIB);
  assertEquals(decodeAll(codec, [Uint8Array.of(0, 1, 65)]), ["A"]);
  assertEquals(decodeAll(codec, []), []);
});
