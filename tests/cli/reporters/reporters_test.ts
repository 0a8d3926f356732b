import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { humanReporter } from "../../../src/cli/reporters/human.ts";
import { jsonReporter } from "../../../src/cli/reporters/json.ts";
import { junitXml } from "../../../src/cli/reporters/junit.ts";
import { tapReporter } from "../../../src/cli/reporters/tap.ts";
import { XmlDocument } from "../../support/junit_schema.ts";
import { junitFaults } from "../../support/junit_schema.ts";
import { runTool, toolTest } from "../../support/tools.ts";
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
const INTERRUPTED: TestReport = {
  ...PASSED,
  name: "stopped",
  outcome: "interrupted",
  reason: "stopped by SIGINT",
  errorName: "StoppedError",
  exitCode: 130,
};
const SUITE: SuiteReport = {
  program: "parley-client",
  name: "shop",
  startedAt: new Date(0),
  ms: 1_235,
  tests: [PASSED, FAILED, SKIPPED],
  exitCode: 1,
};
const INTERRUPTED_SUITE: SuiteReport = {
  ...SUITE,
  tests: [PASSED, INTERRUPTED, { ...INTERRUPTED, tries: 0 }],
  exitCode: 130,
};
const PLAIN = { good: same, bad: same, faint: same, strong: same };

function same(text: string): string {
  return text;
}

function output(make: (write: (text: string) => void) => Reporter, suite = SUITE): string {
  let written = "";
  const reporter = make((text) => written += text);
  reporter.begin(suite.tests.length);
  for (const test of suite.tests) reporter.test(test);
  reporter.end(suite);
  return written;
}

/** What Perl's `prove` makes of a report. */
async function prove(tap: string): Promise<{ code: number; text: string }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/report.tap`, tap);
    const { code, stdout, stderr } = await runTool("prove", ["-v", "-e", "cat", `${folder}/report.tap`]);
    return { code, text: `${stdout}${stderr}` };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("humanReporter() writes a line per test, the failure below it, and a summary", () => {
  const lines = output((write) => humanReporter(write, PLAIN, SUITE.tests.map(({ name }) => name))).split("\n");
  assertMatch(lines[0] ?? "", /^ok {4}it greets #1 +3ms$/);
  assertMatch(lines[1] ?? "", /^fail {2}it says .* 3ms \(3 tries\)$/);
  assertMatch(lines[2] ?? "", /^ {6}smoke\.yaml:3: expected/);
  assertMatch(lines[5] ?? "", /^skip {2}later +it has the tag slow$/);
  assertEquals(lines.at(-2), "1 passed, 1 failed, 1 skipped in 1.24s");
});

Deno.test("jsonReporter() writes one object per test and one for the suite", () => {
  const objects = output(jsonReporter).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(objects.map(({ outcome }) => outcome), ["passed", "failed", "skipped", undefined]);
  assertEquals([objects[1].exitCode, objects[1].error.name], [1, "ExpectationError"]);
  assertEquals([objects[3].ok, objects[3].passed, objects[3].failed, objects[3].skipped], [false, 1, 1, 1]);
});

Deno.test("jsonReporter() agrees with the exit code: all skipped, or interrupted (fault 46)", () => {
  const last = (suite: SuiteReport) => JSON.parse(output(jsonReporter, suite).trim().split("\n").at(-1) ?? "");
  const skipped = last({ ...SUITE, tests: [SKIPPED], exitCode: 1 });
  assertEquals([skipped.ok, skipped.exitCode, skipped.failed], [false, 1, 0]);
  const interrupted = last(INTERRUPTED_SUITE);
  assertEquals([interrupted.ok, interrupted.exitCode, interrupted.interrupted], [false, 130, 2]);
});

Deno.test("humanReporter() shows which tests were interrupted (fault 22)", () => {
  const lines = output((write) => humanReporter(write, PLAIN, []), INTERRUPTED_SUITE).split("\n");
  assertEquals(lines[1], "stop  stopped  stopped by SIGINT");
  assertEquals(lines.at(-2), "1 passed, 0 failed, 2 interrupted in 1.24s");
});

Deno.test("tapReporter() writes TAP 13: plan, points, diagnostics, and no # except in a directive (fault 49)", () => {
  const lines = output(tapReporter).split("\n");
  assertEquals(lines.slice(0, 4), [
    "TAP version 13",
    "1..3",
    "ok 1 - it greets ＃1",
    'not ok 2 - it says "<bye>" & leaves',
  ]);
  assertEquals(lines[4], "  ---");
  assertEquals(lines.includes("  ..."), true);
  assertEquals(lines.at(-2), "ok 3 - later # SKIP it has the tag slow");
});

toolTest("prove", "prove accepts what tapReporter() writes, and counts the failure (fault 49)", async () => {
  const passed = await prove(output(tapReporter, { ...SUITE, tests: [PASSED, SKIPPED] }));
  assertEquals([passed.code, /^Result: PASS$/m.test(passed.text)], [0, true], passed.text);
  const failed = await prove(output(tapReporter));
  assertStringIncludes(failed.text, "Failed test:  2");
  assertNotMatch(failed.text, /Parse errors/);
});

toolTest("prove", "prove does not mistake a name for a skip (fault 49)", async () => {
  for (const name of ["it is quick # SKIP", "a\\# SKIP no", "# TODO", "b #skip", "c\r# SKIP"]) {
    const { code, text } = await prove(output(tapReporter, { ...SUITE, tests: [{ ...FAILED, name }] }));
    assertEquals([code === 0, /skipped|TODO passed/.test(text)], [false, false], text);
    assertStringIncludes(text, "Failed test:  1");
  }
});

toolTest("prove", "prove reads a diagnostic whatever a peer sent (fault 49)", async () => {
  const hostile = ["a: b", "received  : x", "# TODO", "...", '"', "- x", "\r\n...\r\nok 2", "'", "|", "{", "[]"];
  for (const text of hostile) {
    const report = { ...FAILED, reason: text, location: `${text}.yaml:1`, details: [text, text] };
    const found = await prove(output(tapReporter, { ...SUITE, tests: [report] }));
    assertNotMatch(found.text, /Parse errors/, text);
    assertStringIncludes(found.text, "Failed test:  1", text);
  }
});

toolTest("prove", "prove sees a bail-out when a run was interrupted (fault 49)", async () => {
  const tap = output(tapReporter, INTERRUPTED_SUITE);
  assertEquals(tap, "TAP version 13\n1..3\nok 1 - it greets ＃1\nBail out! stopped by SIGINT\n");
  const { code, text } = await prove(tap);
  assertEquals([code, /Bailout called.*stopped by SIGINT/.test(text)], [255, true], text);
});

Deno.test("junitXml() reports interrupted tests as errors, valid against both schemas (fault 22)", () => {
  const xml = junitXml(INTERRUPTED_SUITE);
  assertEquals([junitFaults("jenkins", xml), junitFaults("ant", xml)], [[], []]);
  assertStringIncludes(xml, 'tests="3" failures="0" errors="2"');
  assertStringIncludes(xml, '<error type="StoppedError" message="stopped by SIGINT">');
});

Deno.test("junitXml() keeps CR, LF and tabs in attributes and CR in text (fault 53)", () => {
  const reason = "a\tb\rc\nd\r\ne";
  using document = XmlDocument.fromString(
    junitXml({ ...SUITE, tests: [{ ...FAILED, name: "n\t\r\n", reason, details: ["x\ry\tz"] }] }),
  );
  const value = (path: string) => document.get(path)?.content;
  assertEquals(value("//testcase/@name"), "n\t\r\n");
  assertEquals(value("//failure/@message"), reason);
  assertStringIncludes(value("//failure") ?? "", "x\ry\tz");
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

Deno.test("humanReporter() escapes control and bidirectional characters in a reason or detail (fault 57)", () => {
  let written = "";
  const reporter = humanReporter((text) => written += text, PLAIN, ["a"]);
  reporter.test({ ...FAILED, reason: "\u001b[2J\u202e", details: ["\u202egpj"] });
  // deno-lint-ignore no-control-regex
  assertNotMatch(written, /[\x00-\x09\x0b-\x1f\u202e]/);
  assertStringIncludes(written, "\\x1b[2J\\u202e");
});

Deno.test("humanReporter() aligns names by their width, and escapes their control characters", () => {
  const names = ["日本", "a\u001b[31mb"];
  let written = "";
  const reporter = humanReporter((text) => written += text, PLAIN, names);
  for (const name of names) reporter.test({ ...PASSED, name });
  assertEquals(written, "ok    日本        3ms\nok    a\\x1b[31mb  3ms\n");
});

Deno.test("tapReporter() writes its plan at the end if the number of tests is unknown at first", () => {
  let out = "";
  const reporter = tapReporter((text) => out += text);
  reporter.begin();
  reporter.test(SUITE.tests[0] ?? FAILED);
  reporter.end(SUITE);
  assertMatch(out, /^TAP version 13\nok 1 - [^\n]+\n1\.\.1\n$/);
});
