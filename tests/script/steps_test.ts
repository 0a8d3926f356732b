import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { textPayload } from "../../src/script/payload.ts";
import { expect, send, type Step } from "../../src/script/steps.ts";

const CAPTURES = new Map([["1", "7"]]);

function sentBy(step: Step): [string, boolean] {
  if (step.kind !== "send") throw new TypeError(step.kind);
  return [new TextDecoder().decode(step.data.bytes(CAPTURES)), step.isText];
}

Deno.test("send() takes a text with captured groups, bytes as they are, and a payload of its own", () => {
  assertEquals(sentBy(send("a{1}{2}\\n")), ["a7{2}\\n", true]);
  assertEquals(sentBy(send(utf8("a{1}"))), ["a{1}", false]);
  assertEquals(sentBy(send(utf8("a"), { isText: true })), ["a", true]);
  assertEquals(sentBy(send(textPayload("a\\x41"))), ["aA", true]);
});

Deno.test("expect() keeps source and flags of a regular expression", () => {
  assertEquals(expect(/^250 /im, { isText: true }), {
    kind: "expect",
    pattern: { kind: "regex", source: "^250 ", flags: "im", isText: true },
  });
});
