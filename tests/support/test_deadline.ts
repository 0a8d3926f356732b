/**
 * Loaded before each test file (`--preload`): a test that waits for ever, or loops, fails with its name. A test that
 * needs longer sets `timeout` itself; `PARLEY_TEST_DEADLINE_MS` sets another deadline for all.
 *
 * @module
 */

const DEADLINE_MS = Number(Deno.env.get("PARLEY_TEST_DEADLINE_MS") ?? 60_000);
/** Where `deno test` reads the place of a test that is registered on behalf of another file. */
const LOCATION = Symbol.for("Deno.test.location");

type Part = string | Partial<Deno.TestDefinition> | Deno.TestDefinition["fn"];

const { test } = Deno;

/** Registers a test in any of the forms of `Deno.test()`. */
function testWithDeadline(...parts: Part[]): void {
  const name = parts.find((part) => typeof part === "string");
  const options = parts.find((part) => typeof part === "object");
  const fn = parts.find((part) => typeof part === "function") ?? options?.fn;
  if (fn === undefined) throw new TypeError("A test needs a function");
  const [, , caller = ""] = new Error().stack?.split("\n") ?? [];
  Object.assign(fn, { [LOCATION]: /\S+:\d+:\d+(?=\)?$)/.exec(caller)?.[0].replace("(", "") });
  test({ timeout: DEADLINE_MS, ...options, name: name ?? options?.name ?? fn.name, fn });
}

Object.assign(Deno, { test: Object.assign(testWithDeadline, test) });
