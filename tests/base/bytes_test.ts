import { assertEquals, assertThrows } from "@std/assert";
import {
  concat,
  equalBytes,
  escapeControls,
  excerpt,
  formatHex,
  hexDump,
  indexOfBytes,
  parseHex,
  preview,
  textOrHex,
  toJsonLine,
  unescape,
  utf8,
} from "../../src/base/bytes.ts";

Deno.test("concat() joins in order", () => {
  assertEquals(concat([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]), Uint8Array.of(1, 2, 3));
  assertEquals(concat([]), new Uint8Array(0));
});

Deno.test("equalBytes() compares length and content", () => {
  assertEquals(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)), true);
  assertEquals(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false);
  assertEquals(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)), false);
});

Deno.test("indexOfBytes() finds a sequence that begins inside a false start", () => {
  assertEquals(indexOfBytes(utf8("aaab"), utf8("aab")), 1);
  assertEquals(indexOfBytes(utf8("abab"), utf8("ab"), 1), 2);
  assertEquals(indexOfBytes(utf8("abc"), utf8("bcd")), -1);
  assertEquals(indexOfBytes(utf8("abc"), utf8("abcd")), -1);
});

Deno.test("parseHex() takes pairs of digits with blanks and colons, and nothing else", () => {
  assertEquals(parseHex("01 fF:00"), Uint8Array.of(1, 255, 0));
  assertEquals(parseHex(""), new Uint8Array(0));
  for (const text of ["0", "0g", "0x01", "012"]) assertThrows(() => parseHex(text), SyntaxError, "Cannot parse hex");
  assertEquals(formatHex(Uint8Array.of(1, 255, 0)), "01ff00");
});

Deno.test("unescape() knows C's escapes and bytes in hexadecimal", () => {
  assertEquals(
    unescape("a\\r\\n\\t\\0\\\\\\x00\\xffé"),
    concat([utf8("a\r\n\t\0\\\0"), Uint8Array.of(255), utf8("é")]),
  );
  for (const text of ["\\q", "\\", "\\x1", "\\xzz"]) {
    assertThrows(() => unescape(text), SyntaxError, "Cannot parse escape");
  }
});

Deno.test("escapeControls() leaves no character that a terminal obeys", () => {
  assertEquals(escapeControls("a\n\r\t\0b"), "a\\n\\r\\t\\0b");
  assertEquals(escapeControls("\x1b[31m\x7f\x9b2J"), "\\x1b[31m\\x7f\\x9b2J");
  assertEquals(escapeControls("grüße 🌍"), "grüße 🌍");
});

Deno.test("excerpt() cuts and escapes nothing", () => {
  assertEquals(excerpt(utf8("a\t\\t\u202e")), "a\t\\t\u202e");
  assertEquals(excerpt(utf8("x".repeat(300)), 10), "xxxxxxxxxx...");
  assertEquals(excerpt(utf8("x😀😀"), 2), "x\ufffd...");
});

Deno.test("preview() escapes and cuts", () => {
  assertEquals(preview(utf8("hi\n")), "hi\\n");
  assertEquals(preview(utf8("x".repeat(300)), 10), "xxxxxxxxxx...");
});

Deno.test("hexDump() shows offset, bytes and ASCII", () => {
  assertEquals(hexDump(utf8("GET / HTTP/1.1\r\nHost")), [
    "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|",
    "00000010  48 6f 73 74                                       |Host|",
  ]);
});

Deno.test("escapeControls() escapes characters that change the direction of text (fault 32)", () => {
  assertEquals(
    escapeControls("\u061c\u200e\u200f\u202a\u202e\u2066\u2069"),
    "\\u061c\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069",
  );
  assertEquals(escapeControls("\u200d\u00ad\u00e9"), "\u200d\u00ad\u00e9");
});

Deno.test("toJsonLine() prints no control character, and parses back (fault 32)", () => {
  const value = { text: "\u0000\u001b\u007f\u009b\u202e\u2028é" };
  assertEquals(toJsonLine(value), '{"text":"\\u0000\\u001b\\u007f\\u009b\\u202e\\u2028é"}\n');
  assertEquals(JSON.parse(toJsonLine(value)), value);
});

Deno.test("textOrHex() keeps valid UTF-8 as it is, and converts other bytes to hexadecimal", () => {
  assertEquals(textOrHex(utf8("\u{FEFF}h\u{E9}\0")), { text: "\u{FEFF}h\u{E9}\0" });
  assertEquals(textOrHex(Uint8Array.of(0xc3, 0x28)), { hex: "c328" });
});
