import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ByteBuilder, delimiterCodec, FrameError, lineCodec } from "@parley/parley";
import { byteByByte, decodeAll } from "../support/decoding.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const line = (length: number) => "x".repeat(length);

/** The result for a text in one piece, which must be the result byte by byte. */
function decodeLines(text: string): string[] {
  const whole = decodeAll(lineCodec(), [utf8(text)]);
  assertEquals(decodeAll(lineCodec(), byteByByte(utf8(text))), whole);
  return whole;
}

Deno.test("lineCodec() takes LF and CR LF, empty lines, and a last line without an end", () => {
  assertEquals(decodeLines("one\ntwo\r\n\n\r\nlast"), ["one", "two", "", "", "last"]);
});

Deno.test("lineCodec() keeps a CR that ends no line", () => {
  assertEquals(decodeLines("a\rb\n\rc\n"), ["a\rb", "\rc"]);
});

Deno.test("lineCodec() returns nothing for an empty stream", () => {
  assertEquals(decodeLines(""), []);
});

Deno.test("lineCodec() keeps a character together that reads cut in two", () => {
  const text = "grüße 🌍\n";
  assertEquals(decodeLines(text), ["grüße 🌍"]);
});

Deno.test("lineCodec() takes a line at the limit, and drops one beyond it alone", () => {
  assertEquals(decodeLines(`${line(4096)}\nnext\n`), [line(4096), "next"]);
  assertEquals(decodeLines(`${line(4096)}\r\nnext\n`), [line(4096), "next"]);
  assertEquals(decodeLines(`${line(4097)}\nnext\n`), ["lost", "next"]);
  assertEquals(decodeLines(`${line(16_384)}\nnext\n`), ["lost", "next"]);
});

Deno.test("lineCodec() rejects a line that is too long before its end arrives", () => {
  assertEquals(decodeAll(lineCodec(), [utf8(line(5000))], false), ["lost"]);
});

Deno.test("lineCodec() ends the stream after 16 KiB without an end of line", () => {
  for (const text of [line(16_385), `${line(16_385)}\nnext\n`, `${line(40_000)}\nnext\n`]) {
    const [lost, fatal, ...rest] = decodeLines(text);
    assertEquals(lost, "lost");
    assertStringIncludes(fatal ?? "", "FrameError: ");
    assertStringIncludes(fatal ?? "", "More than 16384 bytes without a delimiter were received");
    assertEquals(rest, []);
  }
});

Deno.test("lineCodec() drops the rest of a long line at the end of the stream", () => {
  assertEquals(decodeLines(`ok\n${line(5000)}`), ["ok", "lost"]);
});

Deno.test("lineCodec() encodes a text like its bytes", () => {
  const { encode, encodeText } = lineCodec();
  const [bytes, text] = [new ByteBuilder(), new ByteBuilder()];
  encode(utf8("grüße 🌍"), bytes);
  encodeText?.("grüße 🌍", text);
  assertEquals(text.take(), bytes.take());
  assertThrows(() => encodeText?.("a\nb", text), FrameError);
  assertEquals(text.length, 0);
});

Deno.test("lineCodec() encodes with LF and rejects a line that contains one", () => {
  const builder = new ByteBuilder();
  lineCodec().encode(utf8("hello"), builder);
  assertEquals(new TextDecoder().decode(builder.take()), "hello\n");
  assertThrows(() => lineCodec().encode(utf8("a\nb"), builder), FrameError);
  assertEquals(builder.length, 0);
});

Deno.test("delimiterCodec() finds a delimiter of several bytes wherever reads cut it", () => {
  const codec = delimiterCodec(utf8("\r\n.\r\n"), { maxBytes: 10, hardBytes: 40 });
  const bytes = utf8("one\r\n.\r\n\r\n.\r\n\r\n..\r\n.\r\nrest");
  const expected = ["one", "", "\r\n..", "rest"];
  assertEquals(decodeAll(codec, [bytes]), expected);
  assertEquals(decodeAll(codec, byteByByte(bytes)), expected);
});

Deno.test("delimiterCodec() counts limits without the delimiter, however it is split", () => {
  const codec = delimiterCodec(utf8("--"), { maxBytes: 10, hardBytes: 40 });
  const cases: [number, (string | RegExp)[]][] = [
    [10, [line(10), "next"]],
    [11, ["lost", "next"]],
    [40, ["lost", "next"]],
    [41, ["lost", /^FrameError/]],
    [400, ["lost", /^FrameError/]],
  ];
  for (const [length, expected] of cases) {
    const bytes = utf8(`${line(length)}--next--`);
    for (const pieces of [[bytes], byteByByte(bytes)]) {
      const found = decodeAll(codec, pieces);
      assertEquals(found.length, expected.length, `${length} bytes: ${found}`);
      for (const [index, want] of expected.entries()) {
        if (typeof want === "string") assertEquals(found[index], want);
        else assertStringIncludes(found[index] ?? "", "FrameError");
      }
    }
  }
});

Deno.test("delimiterCodec() rejects an empty delimiter, and a message that contains the delimiter", () => {
  assertThrows(() => delimiterCodec(new Uint8Array(0), { maxBytes: 1, hardBytes: 1 }), RangeError);
  const codec = delimiterCodec(utf8("--"), { maxBytes: 10, hardBytes: 40 });
  assertThrows(() => codec.encode(utf8("a--b"), new ByteBuilder()), FrameError);
});

Deno.test("encodeDecoded() ends each decoded line with LF, whatever ended or followed it", () => {
  const codec = lineCodec({ maxBytes: 8, hardBytes: 100 });
  const decoder = codec.decoder();
  const builder = new ByteBuilder();
  for (const piece of ["one\ntwo\n\ncr\r\nfour\nfar too long\nfi", "ve\nsix\n\n", "last"]) {
    decoder.push(utf8(piece));
    if (piece === "last") decoder.end();
    const messages = [];
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
      if (!(next instanceof FrameError)) messages.push({ data: next });
    }
    codec.encodeDecoded?.(messages, builder);
  }
  assertEquals(new TextDecoder().decode(builder.take()), "one\ntwo\n\ncr\nfour\nfive\nsix\n\nlast\n");
});
