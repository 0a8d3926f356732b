import { assertEquals, assertInstanceOf } from "@std/assert";
import { utf8 } from "../../../src/base/bytes.ts";
import { step, stepOf, type StepText } from "../../../src/script/file/step_schema.ts";

function parse(text: StepText) {
  return stepOf(step.parse(text));
}

function mistakeIn(text: object): string {
  const { error } = step.safeParse(text);
  assertInstanceOf(error, Error);
  return error.issues.map(({ message }) => message).join("; ");
}

Deno.test("stepOf() makes a step of every action", () => {
  const kinds = ([
    { send: "a" },
    { "send-hex": "0a" },
    { delay: "1s" },
    { end: true },
    { close: true },
    { reset: true },
    { expect: "a" },
    { "expect-close": true },
    { "expect-reset": true },
    { "expect-silence": "1s" },
  ] as StepText[]).map((given) => parse(given).kind);
  assertEquals(kinds, [
    ...["send", "send", "delay", "end", "close", "reset", "expect", "expect-close", "expect-reset", "expect-silence"],
  ]);
});

Deno.test("stepOf() keeps close codes, message types and the way of sending (#16 point 2)", () => {
  assertEquals(parse({ close: 1013 }), { kind: "close", code: 1013, text: undefined });
  assertEquals(parse({ close: { code: 4000, text: "later" } }), { kind: "close", code: 4000, text: "later" });
  assertEquals(parse({ "expect-close": 1001 }), { kind: "expect-close", code: 1001 });
  const sent = parse({ send: "a", type: "binary", slice: 3, every: "5ms", truncate: 7 });
  assertEquals(sent.kind === "send" && [sent.isText, sent.pieces], [
    false,
    { sliceBytes: 3, everyMs: 5, truncateBytes: 7 },
  ]);
  assertEquals(parse({ "expect-exactly": "a\\n", type: "text" }), {
    kind: "expect",
    pattern: { kind: "exact", bytes: utf8("a\n"), isText: true },
  });
});

Deno.test("a step of a file has one action, and only what belongs to it", () => {
  const belongs = "slice, every and truncate require a step that sends";
  assertEquals(mistakeIn({}), "a step has exactly one action");
  assertEquals(mistakeIn({ send: "a", expect: "b" }), "a step has exactly one action");
  assertEquals(mistakeIn({ expect: "a", slice: 3 }), belongs);
  assertEquals(mistakeIn({ reset: true, truncate: 3 }), belongs);
  assertEquals(mistakeIn({ send: "a", every: "1s" }), "every requires slice");
  assertEquals(mistakeIn({ delay: "1s", type: "text" }), "type requires a step that sends or expects a message");
  for (const wrong of [{ close: 999 }, { close: 5000 }, { send: "a", slice: 0 }, { "expect-close": 999 }]) {
    assertEquals(step.safeParse(wrong).success, false);
  }
});
