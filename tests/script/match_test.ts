import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { matchBytes, matchRegex } from "../../src/script/match.ts";

Deno.test("matchBytes() finds the first place, and nothing at the start", () => {
  assertEquals(matchBytes(utf8("lo"), utf8("hello lo"))?.start, 3);
  assertEquals(matchBytes(utf8(""), utf8("x")), { start: 0, end: 0, captures: new Map() });
  assertEquals(matchBytes(utf8("no"), utf8("hello")), undefined);
});

Deno.test("matchRegex() counts in bytes for multi-byte characters", () => {
  const found = matchRegex(/b(.)/u, utf8("äöb€c"));
  assertEquals([found?.start, found?.end], [4, 8]);
  assertEquals(found?.captures, new Map([["1", "€"]]));
});

Deno.test("matchRegex() returns named groups, and omits groups without a match", () => {
  const found = matchRegex(/(?<id>\d+)(x)?/u, utf8("id 42"));
  assertEquals(found?.captures, new Map([["1", "42"], ["id", "42"]]));
});

Deno.test("matchRegex() treats bytes that are not UTF-8 as one character each", () => {
  const found = matchRegex(/\xff(.)/u, Uint8Array.of(0x41, 0xff, 0xc3, 0x42));
  assertEquals([found?.start, found?.end], [1, 3]);
});

Deno.test("matchRegex() ignores an incomplete character", () => {
  assertEquals(matchRegex(/^ok./u, Uint8Array.of(0x6f, 0x6b, 0xe2, 0x82)), undefined);
});
