import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../../src/base/errors.ts";
import { sendStep, stepsOf } from "../../../../src/commands/client/send/steps.ts";

const OPTIONS = { first: sendStep("a", { isHex: false, isLiteral: false }), isHex: false, isLiteral: false };

function kinds(names: readonly string[], quietMs?: number): string[] {
  return steps(names, quietMs).map(({ kind }) => kind);
}

function steps(names: readonly string[], quietMs?: number, closesAfterEnd = false) {
  const given = names.map((name) => ({ name, value: name === "expectSilence" ? 100 : "61" }));
  return stepsOf(given, { ...OPTIONS, quietMs, closesAfterEnd });
}

Deno.test("stepsOf() keeps the order of the flags", () => {
  assertEquals(kinds(["expect", "then", "expectRegex", "expectSilence", "expectClose"]), [
    "send",
    "expect",
    "send",
    "expect",
    "expect-silence",
    "expect-close",
  ]);
});

Deno.test("stepsOf() waits for a reply to a send without an expectation", () => {
  assertEquals(kinds(["then", "expect", "then"], 100), ["send", "reply", "send", "expect", "send", "reply"]);
  assertEquals(kinds(["end"], 100), ["send", "end", "reply"]);
  assertEquals(kinds(["then"]), ["send", "send"]);
});

Deno.test("stepsOf() ends a reply after --end with the close, if asked for, and others with silence", () => {
  const repliesTo = (closesAfterEnd: boolean) =>
    steps(["then", "end"], 100, closesAfterEnd).filter(({ kind }) => kind === "reply");
  const quiet = { kind: "reply", quietMs: 100 } as const;
  assertEquals(repliesTo(true), [quiet, { kind: "reply", quietMs: undefined }]);
  assertEquals(repliesTo(false), [quiet, quiet]);
});

Deno.test("stepsOf() rejects an unusable value, and names its flag", () => {
  const bad = [["expectRegex", "("], ["expectBytes", "0"], ["expect", "\\q"], ["then", "\\q"], [
    "expectBytes",
    " ",
  ]] as const;
  for (const [name, value] of bad) {
    const error = assertThrows(() => stepsOf([{ name, value }], { ...OPTIONS, quietMs: 1 }), UsageError);
    assertEquals(error.message.startsWith("--"), true);
  }
});
