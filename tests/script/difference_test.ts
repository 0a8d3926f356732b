import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { differenceLines, findDifference } from "../../src/script/difference.ts";

Deno.test("findDifference() finds the longest matching prefix of the expected bytes", () => {
  assertEquals(findDifference(utf8("abcd"), utf8("abx abcx")), { agreed: 3, at: 4 });
  assertEquals(findDifference(utf8("abcd"), utf8("")), { agreed: 0, at: 0 });
});

Deno.test("differenceLines() puts the mark under the first byte that differs", () => {
  assertEquals(differenceLines(utf8("HTTP/1.1 200"), utf8("HTTP/1.1 404 No\r\n")), [
    "expected  HTTP/1.1 200",
    "received  HTTP/1.1 404 No\\r\\n",
    "                   ^ differs at byte 9",
  ]);
});

Deno.test("differenceLines() shows bytes that are not text in hexadecimal digits", () => {
  assertEquals(differenceLines(Uint8Array.of(1, 2, 3), Uint8Array.of(9, 1, 2)), [
    "expected     01 02 03",
    "received  ...01 02 (nothing more)",
    "                   ^ differs at byte 3",
  ]);
});

Deno.test("differenceLines() cuts long bytes on both sides of the difference", () => {
  const [expected, received, mark] = differenceLines(utf8("a".repeat(100)), utf8(`${"a".repeat(60)}b`));
  assertEquals(expected, `expected  ...${"a".repeat(64)}...`);
  assertEquals(received, `received  ...${"a".repeat(32)}b`);
  assertEquals(mark?.indexOf("^"), received?.indexOf("b"));
});
