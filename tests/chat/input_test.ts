import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ChatError } from "../../src/chat/chat_error.ts";
import { jsonFormat, textFormat } from "../../src/chat/event_format.ts";
import { readInput, textOf } from "../../src/chat/input.ts";

Deno.test("readInput() parses a message of the JSON format only", () => {
  const data = utf8('{"type":"join"}');
  assertEquals(readInput(data, jsonFormat), { data, text: '{"type":"join"}', json: { type: "join" } });
  assertEquals(readInput(data, textFormat).json, undefined);
  for (const invalid of [utf8("nonsense"), utf8(""), Uint8Array.of(0x22, 0xff, 0x22)]) {
    assertEquals(readInput(invalid, jsonFormat).json, undefined);
  }
});

Deno.test("textOf() rejects NUL, also where the rest is not UTF-8", () => {
  const decode = (...bytes: number[]) => textOf(readInput(Uint8Array.from(bytes), textFormat));
  assertEquals([decode(0x68, 0x69), decode(0x68, 0xff)], ["hi", undefined]);
  for (const bytes of [[0], [0x68, 0], [0, 0xc3, 0xa9], [0xff, 0], Array(300).fill(0)]) {
    assertThrows(() => decode(...bytes), ChatError, "NUL");
  }
});
