import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import type { FlagTable } from "../../src/base/flag_spec.ts";
import { parseFlags } from "../../src/cli/parse_flags.ts";

const TABLE = {
  expect: { type: "text", repeat: true, help: "" },
  expectSilence: { type: "duration", repeat: true, help: "" },
  then: { type: "text", allowsEmpty: true, repeat: true, help: "" },
  close: { type: "boolean", help: "" },
  count: { type: "integer", min: -9, short: "n", help: "" },
  noReply: { type: "boolean", help: "" },
  quiet: { type: "boolean", short: "q", help: "" },
} as const satisfies FlagTable;

Deno.test("parseFlags() reports the order of the flags", () => {
  const words = [
    "--expect",
    "a",
    "x",
    "--then=b",
    "--close",
    "--expect-silence",
    "2s",
    "--expect",
    "c",
    "--",
    "--then",
  ];
  const { given, args } = parseFlags(words, TABLE);
  assertEquals(given, [
    { name: "expect", value: "a" },
    { name: "then", value: "b" },
    { name: "close", value: true },
    { name: "expectSilence", value: 2_000 },
    { name: "expect", value: "c" },
  ]);
  assertEquals(args, ["x", "--then"]);
});

Deno.test("parseFlags() accepts an empty value, a negative number and a positional after a switch", () => {
  const { flags, args } = parseFlags(["--then", "", "-n", "-5", "--close", "true", "-q", "false"], TABLE);
  assertEquals(flags.then, [""]);
  assertEquals([flags.count, flags.close, flags.quiet], [-5, true, true]);
  assertEquals(args, ["true", "false"]);
});

Deno.test("parseFlags() rejects a flag in place of a value", () => {
  for (const next of ["--close", "-q", "--unknown"]) {
    assertThrows(() => parseFlags(["--expect", next], TABLE), UsageError, "needs a value");
  }
  assertThrows(() => parseFlags(["x", "--expect"], TABLE), UsageError, "needs a value");
});

Deno.test("parseFlags() accepts a switch whose name begins with no-", () => {
  const { flags, given } = parseFlags(["--no-reply", "x"], TABLE);
  assertEquals(flags.noReply, true);
  assertEquals(given, [{ name: "noReply", value: true }]);
});
