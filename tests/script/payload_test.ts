import { assertEquals, assertThrows } from "@std/assert";
import { fillRegex, textPayload } from "../../src/script/payload.ts";

const CAPTURES = new Map([["1", "a\\n"], ["name", "x.y"]]);

function filled(text: string, isLiteral = false): string {
  return new TextDecoder().decode(textPayload(text, { isLiteral }).bytes(CAPTURES));
}

Deno.test("textPayload() puts captures in, which are never read as escapes", () => {
  assertEquals(filled("<{1}>\\n{name}"), "<a\\n>\nx.y");
});

Deno.test("textPayload() leaves braces alone that name nothing captured", () => {
  assertEquals(filled('{"a":{2},"b":{other}}'), '{"a":{2},"b":{other}}');
});

Deno.test("textPayload() reads no escapes in a literal text", () => {
  assertEquals(filled("C:\\new", true), "C:\\new");
  assertThrows(() => textPayload("C:\\foo"), SyntaxError, "\\f");
});

Deno.test("fillRegex() puts captures in so that they match themselves, and leaves quantifiers alone", () => {
  assertEquals(fillRegex("^{name}{1}\\d{1}$", CAPTURES), "^x\\.y{1}\\d{1}$");
});
