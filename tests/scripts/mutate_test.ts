import { assertEquals } from "@std/assert";
import { asRanges, executedLines, fastTests, type MeasuredTest, testsOf } from "../../scripts/mutate/coverage.ts";
import { mutantsOf } from "../../scripts/mutate/mutants.ts";
import { report } from "../../scripts/mutate/report.ts";
import { outcomeOf } from "../../scripts/mutate/run_tests.ts";

Deno.test("fastTests() leaves out the slow suites, and no folder of the same name in another", async () => {
  const files = await fastTests(new URL("../../", import.meta.url));
  assertEquals(files.filter((file) => /^tests\/(?:abuse|smoke|probes)\//.test(file)), []);
  assertEquals(files.includes("tests/commands/client/smoke/schema_test.ts"), true);
});

Deno.test("executedLines() reads the lines that ran at least once", () => {
  const lcov = "SF:/r/src/a.ts\nDA:1,1\nDA:2,0\nDA:3,10\nend_of_record\nSF:/r/src/b/c.ts\nDA:7,0\nend_of_record\n";
  assertEquals([...executedLines(lcov, "/r/src/")], [["a.ts", [1, 3]], ["b/c.ts", []]]);
});

Deno.test("executedLines() counts a line of which one branch ran", () => {
  const lcov = "SF:/r/src/a.ts\nBRDA:2,1,0,0\nBRDA:2,1,1,4\nBRDA:3,2,0,0\nDA:1,1\nDA:2,0\nDA:3,0\nend_of_record\n";
  assertEquals([...executedLines(lcov, "/r/src/")], [["a.ts", [1, 2]]]);
});

Deno.test("asRanges() joins neighbours", () => {
  assertEquals([[], [4], [1, 2, 3, 5], [1, 3]].map(asRanges), ["", "4", "1-3,5", "1,3"]);
});

Deno.test("testsOf() returns passing tests that execute the line, the mirror first and then the cheapest", () => {
  const test = (name: string, durationMs: number, lines: string, rest: Partial<MeasuredTest> = {}) =>
    ({ test: name, durationMs, isPassing: true, files: { "net/a.ts": { hash: "h", lines } }, ...rest }) as const;
  const measured = [
    test("tests/e2e/x_test.ts", 200, "1-20"),
    test("tests/net/b_test.ts", 500, "9,12"),
    test("tests/net/a_test.ts", 9_000, "12-13"),
    test("tests/net/other_lines_test.ts", 1, "1-11,13"),
    test("tests/net/failing_test.ts", 1, "12", { isPassing: false }),
    test("tests/net/other_file_test.ts", 1, "12", { files: { "net/c.ts": { hash: "h", lines: "12" } } }),
  ];
  const lines = Array.from({ length: 30 }, (_, at) => `line ${at + 1}`);
  const names = (line: number, now = { hash: "h", lines }) =>
    testsOf({ path: "net/a.ts", line }, measured, now, new Map([["h", { hash: "h", lines }]])).map(({ test }) => test);
  assertEquals(names(12), ["tests/net/a_test.ts", "tests/net/b_test.ts", "tests/e2e/x_test.ts"]);
  assertEquals(names(21), []);
  // In a file that has changed, a line is known by its text, and a new one may be executed by each of them.
  const changed = { hash: "changed", lines: ["new", ...lines] };
  assertEquals(names(13, changed), names(12));
  assertEquals(names(1, changed).length, 4);
});

Deno.test("mutantsOf() leaves out what makes no difference", () => {
  const operators = (text: string) => mutantsOf("a.ts", text).map(({ operator, after }) => `${operator} ${after}`);
  assertEquals(operators("async function f() { return await g(); }"), []);
  assertEquals(operators("const f = async () => await g();"), []);
  assertEquals(operators("const f = async () => a ?? (b ? await g() : await h());"), ["condition !(b)"]);
  assertEquals(operators("async function f() { try { return await g(); } finally {} }"), ["removed await g()"]);
  assertEquals(operators("const f = async () => [await g()];"), ["removed await g()"]);
  assertEquals(operators("const f = async () => await g() ?? 1;"), ["removed await g()"]);
  assertEquals(operators("log.debug('x');"), []);
  assertEquals(operators("function f() { return undefined; }"), []);
  assertEquals(operators("if (a < 1) close();"), ["condition !(a < 1)", "boundary <=", "removed call ;"]);
});

Deno.test("outcomeOf() counts a test that fails by its deadline apart from the others, and a killed run as hung", () => {
  assertEquals(outcomeOf(0, ""), "passed");
  assertEquals(outcomeOf(124, "error: AssertionError"), "hung");
  assertEquals(outcomeOf(137, ""), "hung");
  assertEquals(outcomeOf(1, "a => b_test.ts:1:6\nerror: Test timed out after 5000ms.\n"), "timed out");
  assertEquals(outcomeOf(1, "error: Test timed out after 5000ms.\nerror: AssertionError: 1\n"), "failed");
  assertEquals(outcomeOf(1, ""), "failed");
});

Deno.test("report() gives the share of failed tests, without faults that do not compile, and lists the others", () => {
  const [mutant] = mutantsOf("net/a.ts", "if (a < 1) close();");
  if (mutant === undefined) throw new Error("no mutant");
  const verdicts = ["failed", "failed", "timed out", "survived", "type error", "hung"] as const;
  const lines = report(verdicts.map((verdict) => ({ mutant, verdict }))).split("\n");
  assertEquals(lines[2], "| net | 6 | 3 | 1 | 1 | 1 | 0 | 1 | 60% |");
  assertEquals(lines.slice(-3), [
    "- survived: `src/net/a.ts:1`, condition: `a < 1` became `!(a < 1)`",
    "- hung: `src/net/a.ts:1`, condition: `a < 1` became `!(a < 1)`",
    "",
  ]);
});
