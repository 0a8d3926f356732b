import { countOutcomes, type SuiteReport, type TestReport } from "./test_report.ts";

/**
 * The report as JUnit XML, with the elements and attributes, and in the order,
 * that the schemas of Ant and of Jenkins have in common.
 */
export function junitXml({ name, startedAt, ms, tests }: SuiteReport): string {
  const { failed, skipped } = countOutcomes(tests);
  const counts = `tests="${tests.length}" failures="${failed}" errors="0"`;
  // The schema wants a time without a zone.
  const timestamp = startedAt.toISOString().replace(/\.\d+Z$/, "");
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    `  <testsuite id="0" package="parley-client" name=${
      quote(name)
    } timestamp="${timestamp}" hostname="localhost" ${counts} skipped="${skipped}" time="${seconds(ms)}">`,
    "    <properties/>",
    ...tests.flatMap((test) => testCase(name, test).map((line) => `    ${line}`)),
    "    <system-out/>",
    "    <system-err/>",
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(suite: string, { name, outcome, ms, reason, errorName, location, details }: TestReport): string[] {
  const open = `<testcase name=${quote(name)} classname=${quote(suite)} time="${seconds(ms)}"`;
  if (outcome === "passed") return [`${open}/>`];
  if (outcome === "skipped") return [`${open}>`, "  <skipped/>", "</testcase>"];
  const text = [`${location}: ${reason ?? ""}`, ...details].map(escapeXml).join("\n");
  return [
    `${open}>`,
    `  <failure type=${quote(errorName ?? "Error")} message=${quote(reason ?? "")}>${text}</failure>`,
    "</testcase>",
  ];
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

function quote(text: string): string {
  return `"${escapeXml(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;")}"`;
}

/** Text of XML 1.0: what its section 2.2 does not allow becomes U+FFFD. */
function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
}
