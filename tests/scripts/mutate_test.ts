import { assertEquals } from "@std/assert";
import { asRanges, executedLines, type MeasuredTest, testsOf } from "../../scripts/mutate/coverage.ts";
import { mutantsOf } from "../../scripts/mutate/mutants.ts";

Deno.test("executedLines() reads the lines that ran at least once", () => {
  const lcov = "SF:/r/src/a.ts\nDA:1,1\nDA:2,0\nDA:3,10\nend_of_record\nSF:/r/src/b/c.ts\nDA:7,0\nend_of_record\n";
  assertEquals([...executedLines(lcov, "/r/src/")], [["a.ts", [1, 3]], ["b/c.ts", []]]);
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
  assertEquals(operators("log.debug('x');"), []);
  assertEquals(operators("function f() { return undefined; }"), []);
  assertEquals(operators("if (a < 1) close();"), ["condition !(a < 1)", "boundary <=", "removed call ;"]);
});
