import { assertEquals, assertThrows } from "@std/assert";
import { ChatError } from "../../src/chat/chat_error.ts";
import { checkText, cleanText, decodeText } from "../../src/chat/clean_text.ts";

Deno.test("cleanText() escapes control sequences that a terminal would execute", () => {
  assertEquals(cleanText("\x1b[31mred\x07\u202edr"), "\\x1b[31mred\\x07\\u202edr");
  assertEquals(cleanText("one\ttwo\r\nthree"), "one two three");
});

Deno.test("checkText() keeps the line ends inside a message, and the indentation of its lines", () => {
  assertEquals(checkText("\n  \n  if (x) {\r\n    y();\n\n  }\n \n"), "  if (x) {\n    y();\n\n  }");
});

Deno.test("checkText() rejects a message with too many lines or characters (TEXT_LENGTH), or without any", () => {
  assertEquals(checkText(Array(100).fill("x").join("\n")).split("\n").length, 100);
  for (const text of [Array(101).fill("x").join("\n"), "x".repeat(4_097), "", " \n "]) {
    assertThrows(() => checkText(text), ChatError);
  }
});

Deno.test("cleanText() shows every mark that turns the writing direction as an escape (attack 8)", () => {
  // Unicode's Bidi_Control, as UAX 9 lists it.
  const marks = [0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069];
  for (const mark of marks) {
    assertEquals(cleanText(`a${String.fromCharCode(mark)}b`), `a\\u${mark.toString(16).padStart(4, "0")}b`);
  }
});

Deno.test("decodeText() decodes what TextDecoder does, short or long, and nothing that is not UTF-8", () => {
  for (const length of [0, 1, 127, 128, 129, 1_000]) {
    for (const end of ["", "~", "\0", "\x7f", "\x80", "é", "€", "😀", "\ufeff"]) {
      const text = "x".repeat(Math.max(0, length - end.length)) + end;
      assertEquals(decodeText(new TextEncoder().encode(text)), text);
    }
    for (const invalid of [[0x80], [0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
      assertEquals(decodeText(Uint8Array.of(...Array(length).fill(0x78), ...invalid)), undefined);
    }
  }
});
