import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { ByteBuilder, ClosedEarlyError, FrameError, lengthCodec, type LengthFormat } from "@parley/parley";
import { byteByByte, decodeAll } from "../support/decoding.ts";

const MIB = 1024 * 1024;
const FORMATS: readonly LengthFormat[] = [
  { bytes: 2, endianness: "be" },
  { bytes: 2, endianness: "le" },
  { bytes: 4, endianness: "be" },
  { bytes: 4, endianness: "le" },
];

function prefix(length: number, { bytes, endianness }: LengthFormat): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 2) view.setUint16(0, length, endianness === "le");
  else view.setUint32(0, length, endianness === "le");
  return new Uint8Array(view.buffer);
}

for (const format of FORMATS) {
  const codec = lengthCodec(format, MIB);

  Deno.test(`lengthCodec() ${codec.name} decodes what it encodes, byte by byte too`, () => {
    const builder = new ByteBuilder();
    for (const text of ["one", "zweite Nachricht", "x".repeat(300)]) {
      codec.encode(new TextEncoder().encode(text), builder);
    }
    const bytes = builder.take();
    const expected = ["one", "zweite Nachricht", "x".repeat(300)];
    assertEquals(bytes.subarray(0, format.bytes), prefix(3, format));
    assertEquals(decodeAll(codec, [bytes]), expected);
    assertEquals(decodeAll(codec, byteByByte(bytes)), expected);
  });

  Deno.test(`lengthCodec() ${codec.name} refuses an empty message on both sides`, () => {
    const [error] = decodeAll(codec, [prefix(0, format)], false);
    assertStringIncludes(error ?? "", "FrameError: A message of 0 bytes was announced");
    assertThrows(() => codec.encode(new Uint8Array(0), new ByteBuilder()), FrameError);
  });
}

Deno.test("lengthCodec() refuses 2^31 and 2^32-1 as soon as the prefix is there", () => {
  const format: LengthFormat = { bytes: 4, endianness: "be" };
  for (const length of [2 ** 31, 2 ** 32 - 1, MIB + 1]) {
    const [error] = decodeAll(lengthCodec(format, MIB), [prefix(length, format)], false);
    assertEquals(error, `FrameError: A message of ${length} bytes was announced: 1 to ${MIB} are accepted`);
  }
});

Deno.test("lengthCodec() takes a message at the limit and no longer one", () => {
  const format: LengthFormat = { bytes: 4, endianness: "be" };
  const codec = lengthCodec(format, 5);
  assertEquals(decodeAll(codec, [prefix(5, format), new TextEncoder().encode("fives")]), ["fives"]);
  assertStringIncludes(decodeAll(codec, [prefix(6, format)], false)[0] ?? "", "FrameError");
  assertThrows(() => codec.encode(new Uint8Array(6), new ByteBuilder()), FrameError, "6 bytes");
});

Deno.test("lengthCodec() says how many of how many bytes came when the stream ends inside a message", () => {
  const codec = lengthCodec({ bytes: 4, endianness: "be" }, MIB);
  const decoder = codec.decoder();
  decoder.push(Uint8Array.of(0, 0, 0, 100, 1, 2, 3));
  assertEquals(decoder.next(), undefined);
  const error = assertThrows(() => decoder.end(), ClosedEarlyError, "3 of 100 bytes came");
  assertEquals([error.received, error.expected], [3, 100]);
});

Deno.test("lengthCodec() says so too when the stream ends inside the length", () => {
  const decoder = lengthCodec({ bytes: 4, endianness: "be" }, MIB).decoder();
  decoder.push(Uint8Array.of(0, 0));
  assertEquals(decoder.next(), undefined);
  assertInstanceOf(assertThrows(() => decoder.end(), ClosedEarlyError, "2 of 4 bytes came"), ClosedEarlyError);
});

Deno.test("lengthCodec() gives nothing for a stream that ends between messages", () => {
  const codec = lengthCodec({ bytes: 2, endianness: "be" }, MIB);
  assertEquals(decodeAll(codec, [Uint8Array.of(0, 1, 65)]), ["A"]);
  assertEquals(decodeAll(codec, []), []);
});
