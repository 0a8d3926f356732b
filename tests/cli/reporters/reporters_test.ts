import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { humanReporter } from "../../../src/cli/reporters/human.ts";
import { jsonReporter } from "../../../src/cli/reporters/json.ts";
import { junitXml } from "../../../src/cli/reporters/junit.ts";
import { tapReporter } from "../../../src/cli/reporters/tap.ts";
import { junitFaults } from "../../support/junit_schema.ts";
import type { Reporter, SuiteReport, TestReport } from "../../../src/cli/reporters/test_report.ts";

const PASSED: TestReport = {
  name: "it greets #1",
  outcome: "passed",
  ms: 3.21,
  tries: 1,
  location: "smoke.yaml:3",
  reason: undefined,
  errorName: undefined,
  exitCode: 0,
  details: [],
};
const FAILED: TestReport = {
  ...PASSED,
  name: 'it says "<bye>" & leaves',
  outcome: "failed",
  tries: 3,
  reason: 'expected "a\u0000<" ]]>',
  errorName: "ExpectationError",
  exitCode: 1,
  details: ["sent      x", "received  \u001b[31m"],
};
const SKIPPED: TestReport = {
  ...PASSED,
  name: "later",
  outcome: "skipped",
  tries: 0,
  ms: 0,
  reason: "it has the tag slow",
};
const SUITE: SuiteReport = { name: "shop", startedAt: new Date(0), ms: 1_235, tests: [PASSED, FAILED, SKIPPED] };
const PLAIN = { good: same, bad: same, faint: same, strong: same };

function same(text: string): string {
  return text;
}

function output(make: (write: (text: string) => void) => Reporter): string {
  let written = "";
  const reporter = make((text) => written += text);
  reporter.begin(SUITE.tests.length);
  for (const test of SUITE.tests) reporter.test(test);
  reporter.end(SUITE);
  return written;
}

Deno.test("humanReporter() writes a line a test, what went wrong below it, and a sum", () => {
  const lines = output((write) => humanReporter(write, PLAIN, SUITE.tests.map(({ name }) => name))).split("\n");
  assertMatch(lines[0] ?? "", /^ok {4}it greets #1 +3ms$/);
  assertMatch(lines[1] ?? "", /^fail {2}it says .* 3ms \(3 tries\)$/);
  assertMatch(lines[2] ?? "", /^ {6}smoke\.yaml:3: expected/);
  assertMatch(lines[5] ?? "", /^skip {2}later +it has the tag slow$/);
  assertEquals(lines.at(-2), "1 passed, 1 failed, 1 skipped in 1.24s");
});

Deno.test("jsonReporter() writes an object a test and one for all", () => {
  const objects = output(jsonReporter).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(objects.map(({ outcome }) => outcome), ["passed", "failed", "skipped", undefined]);
  assertEquals([objects[1].exitCode, objects[1].error.name], [1, "ExpectationError"]);
  assertEquals([objects[3].ok, objects[3].passed, objects[3].failed, objects[3].skipped], [false, 1, 1, 1]);
});

Deno.test("tapReporter() writes TAP 14: plan, points, diagnostics, directives escaped", () => {
  const lines = output(tapReporter).split("\n");
  assertEquals(lines.slice(0, 4), [
    "TAP version 14",
    "1..3",
    "ok 1 - it greets \\#1",
    'not ok 2 - it says "<bye>" & leaves',
  ]);
  assertEquals(lines[4], "  ---");
  assertEquals(lines.includes("  ..."), true);
  assertEquals(lines.at(-2), "ok 3 - later # SKIP it has the tag slow");
});

Deno.test("junitXml() is valid against the schemas of Jenkins and of Ant", () => {
  const ofOutcomes = (...tests: TestReport[]) => junitXml({ ...SUITE, tests });
  for (const tests of [[], [PASSED], [FAILED], [SKIPPED], SUITE.tests]) {
    assertEquals(junitFaults("jenkins", ofOutcomes(...tests)), []);
  }
  // Ant's knows no skipped test.
  assertEquals(junitFaults("ant", ofOutcomes(PASSED, FAILED)), []);
});

Deno.test("junitXml() counts tests, failures and skipped ones", () => {
  assertStringIncludes(junitXml(SUITE), 'tests="3" failures="1" errors="0" skipped="1" time="1.235">');
  assertStringIncludes(junitXml(SUITE), "<skipped>it has the tag slow</skipped>");
});

Deno.test("junitXml() escapes markup and leaves no character that XML 1.0 forbids", () => {
  const xml = junitXml(SUITE);
  assertStringIncludes(xml, 'name="it says &quot;&lt;bye&gt;&quot; &amp; leaves"');
  // deno-lint-ignore no-control-regex
  assertNotMatch(xml, /[\x00-\x08\x0b\x0c\x0e-\x1f]|\]\]>/);
});

Deno.test("humanReporter() aligns names by their width, and lets none of them move the terminal", () => {
  const names = ["日本", "a\u001b[31mb"];
  let written = "";
  const reporter = humanReporter((text) => written += text, PLAIN, names);
  for (const name of names) reporter.test({ ...PASSED, name });
  assertEquals(written, "ok    日本        3ms\nok    a\\x1b[31mb  3ms\n");
});
