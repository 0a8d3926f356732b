import { versionLine } from "../version.ts";
import { countOutcomes, type SuiteReport, type TestReport } from "./test_report.ts";

/** JUnit XML report, valid against the schema of Jenkins and, without skipped tests, that of Ant. */
export function junitXml({ name, program, startedAt, ms, tests }: SuiteReport): string {
  const { failed, skipped, interrupted } = countOutcomes(tests);
  const skips = skipped > 0 ? ` skipped="${skipped}"` : "";
  const counts = `tests="${tests.length}" failures="${failed}" errors="${interrupted}"${skips}`;
  // The schema requires a time without a zone.
  const timestamp = startedAt.toISOString().replace(/\.\d+Z$/, "");
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    `  <testsuite id="0" package="${program}" name=${
      quote(name)
    } timestamp="${timestamp}" hostname="localhost" ${counts} time="${seconds(ms)}">`,
    "    <properties>",
    `      <property name="version" value=${quote(versionLine(program))}/>`,
    "    </properties>",
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
  if (outcome === "skipped") return [`${open}>`, `  <skipped>${escapeXml(reason ?? "")}</skipped>`, "</testcase>"];
  const text = [`${location}: ${reason ?? ""}`, ...details].map(escapeXml).join("\n");
  const element = outcome === "failed" ? "failure" : "error";
  return [
    `${open}>`,
    `  <${element} type=${quote(errorName ?? "Error")} message=${quote(reason ?? "")}>${text}</${element}>`,
    "</testcase>",
  ];
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

function quote(text: string): string {
  return `"${escapeXml(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;").replaceAll("\t", "&#9;")}"`;
}

/**
 * Escapes XML 1.0 text: characters not allowed by section 2.2 become U+FFFD. Parsers normalize CR to LF (2.11), and
 * tabs and LF in attributes to spaces (3.3.3).
 */
function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#13;")
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
}
