import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "@parley/parley";
import type { FlagTable } from "../../src/base/flag_spec.ts";
import { parseFlags } from "../../src/cli/parse_flags.ts";

const TABLE = {
  prefix: { type: "text", help: "" },
  framing: { type: "choice", choices: ["line", "raw"], default: "raw", help: "" },
  count: { type: "integer", short: "n", min: 1, max: 10, help: "" },
  idleTimeout: { type: "duration", default: "2s", help: "" },
  size: { type: "size", help: "" },
  allow: { type: "text", repeat: true, help: "" },
  upper: { type: "boolean", short: "u", help: "" },
} as const satisfies FlagTable;

Deno.test("parseFlags() returns defaults, and undefined if there is none", () => {
  assertEquals(parseFlags([], TABLE).flags, {
    prefix: undefined,
    framing: "raw",
    count: undefined,
    idleTimeout: 2_000,
    size: undefined,
    allow: [],
    upper: false,
  });
});

Deno.test("parseFlags() accepts values after a space or =, short names, and flags between arguments", () => {
  const words = ["8888", "--prefix=[#{id}] a=b", "-n", "3", "--idle-timeout", "250ms", ":9", "--size", "64KiB", "-u"];
  const { flags, args } = parseFlags(words, TABLE);
  assertEquals(args, ["8888", ":9"]);
  assertEquals([flags.prefix, flags.count, flags.idleTimeout, flags.size, flags.upper], [
    "[#{id}] a=b",
    3,
    250,
    65_536,
    true,
  ]);
});

Deno.test("parseFlags() collects a repeatable flag, and rejects repetition of others", () => {
  assertEquals(parseFlags(["--allow", "a", "--allow=b"], TABLE).flags.allow, ["a", "b"]);
  assertThrows(() => parseFlags(["--prefix", "a", "--prefix", "b"], TABLE), UsageError, "--prefix was given 2 times");
});

Deno.test("parseFlags() treats everything after -- as arguments", () => {
  assertEquals(parseFlags(["a", "--", "--upper", "-x"], TABLE).args, ["a", "--upper", "-x"]);
});

Deno.test("parseFlags() does not change arguments", () => {
  assertEquals(parseFlags(["007", "1e3", "true", "-"], TABLE).args, ["007", "1e3", "true", "-"]);
});

Deno.test("parseFlags() rejects a value for a boolean flag", () => {
  for (const word of ["--json=false", "--json=", "--json=maybe"]) {
    assertThrows(
      () => parseFlags([word], { json: { type: "boolean", help: "" } }),
      UsageError,
      "--json does not accept a value",
    );
  }
});

Deno.test("parseFlags() rejects a duration longer than a timer's maximum", () => {
  const table = { wait: { type: "duration", help: "" } } as const;
  assertEquals(parseFlags(["--wait", "24d"], table).flags.wait, 24 * 86_400_000);
  assertThrows(
    () => parseFlags(["--wait", "25d"], table),
    UsageError,
    '--wait: Cannot use "25d" as a duration: the maximum is 24d',
  );
});

Deno.test("parseFlags() suggests the most similar flag for an unknown one", () => {
  const cases: [string, string][] = [
    ["--idle-timeuot=2s", "unknown flag --idle-timeuot; did you mean --idle-timeout?"],
    ["--prefx", "unknown flag --prefx; did you mean --prefix?"],
    ["--zzzzzzzz", "unknown flag --zzzzzzzz"],
    ["-x", "unknown flag -x"],
    ["--prefix.a=1", "unknown flag --prefix.a"],
  ];
  for (const [word, message] of cases) assertThrows(() => parseFlags([word], TABLE), UsageError, message);
});

Deno.test("parseFlags() reports the flag and the reason for an invalid value", () => {
  const cases: [string[], string][] = [
    [["--prefix"], "--prefix needs a value"],
    [["--count", "0"], "--count: "],
    [["--count", "11"], "from 1 to 10"],
    [["--count", "1.5"], "a whole number"],
    [["--count", "x"], "a whole number"],
    [["--idle-timeout", "2"], "--idle-timeout: Cannot parse duration"],
    [["--size", "2XB"], "--size: Cannot parse size"],
    [["--framing", "lines"], "expected line, raw"],
  ];
  for (const [words, message] of cases) assertThrows(() => parseFlags(words, TABLE), UsageError, message);
});

Deno.test("parseFlags() rejects an empty text unless the flag allows it (fault 16)", () => {
  for (const words of [["--prefix", ""], ["--prefix="], ["--allow", "10.0.0.0/8", "--allow="]]) {
    const error = assertThrows(() => parseFlags(words, TABLE), UsageError);
    assertMatch(error.message, /^--(?:prefix|allow): the value must not be empty$/);
  }
  const table = { text: { type: "text", allowsEmpty: true, help: "" } } as const satisfies FlagTable;
  assertEquals(parseFlags(["--text", ""], table).flags, { text: "" });
});

Deno.test("parseFlags() accepts an optional number or its absence, and rejects an empty one (fault 9)", () => {
  const table = { code: { type: "integer", optional: true, min: 10, help: "" } } as const satisfies FlagTable;
  assertEquals(parseFlags(["--code", "x"], table), {
    flags: { code: true },
    args: ["x"],
    given: [{ name: "code", value: true }],
  });
  assertEquals(parseFlags(["--code", "12", "x"], table).flags, { code: 12 });
  assertEquals(parseFlags(["--code=12"], table).flags, { code: 12 });
  assertEquals(parseFlags(["x", "--code"], table).flags, { code: true });
  assertEquals(parseFlags([], table).flags, { code: undefined });
  for (const words of [["--code="], ["--code", ""], ["--code", "9"], ["--code=x"]]) {
    assertThrows(() => parseFlags(words, table), UsageError, "--code");
  }
});

Deno.test("parseFlags() accepts a former name with its value in either form, except after -- (#16)", () => {
  const table = { exitAfter: { type: "integer", min: 1, formerName: "max-accepts", help: "" } } as const;
  for (const words of [["--max-accepts", "2"], ["--max-accepts=2"], ["--exit-after", "2"]]) {
    const { flags, given } = parseFlags(words, table);
    assertEquals([flags, given], [{ exitAfter: 2 }, [{ name: "exitAfter", value: 2 }]]);
  }
  assertEquals(parseFlags(["--", "--max-accepts"], table).args, ["--max-accepts"]);
  assertThrows(() => parseFlags(["--max-accepts", "0"], table), UsageError, "--exit-after");
  assertThrows(() => parseFlags(["--max-accepts", "1", "--exit-after", "2"], table), UsageError, "2 times");
  assertThrows(() => parseFlags(["--max-accept", "1"], table), UsageError, "unknown flag --max-accept");
});
