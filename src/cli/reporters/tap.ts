import { escapeControls, joinLines } from "../../base/bytes.ts";
import type { Reporter, TestReport } from "./test_report.ts";

/** The Test Anything Protocol, version 14 (testanything.org). */
export function tapReporter(write: (text: string) => void): Reporter {
  let number = 0;
  return {
    begin(count) {
      write(`TAP version 14\n1..${count}\n`);
    },
    test(report) {
      const { name, outcome, reason } = report;
      const skip = outcome === "skipped" ? ` # SKIP ${escapeText(reason ?? "")}` : "";
      write(`${outcome === "failed" ? "not ok" : "ok"} ${++number} - ${escapeText(name)}${skip}\n`);
      if (outcome === "failed") write(diagnostic(report));
    },
    end() {},
  };
}

/** A YAML block; a text in JSON is one in YAML. */
function diagnostic({ reason, location, errorName, ms, details }: TestReport): string {
  const lines = [
    "---",
    `message: ${JSON.stringify(reason ?? "")}`,
    `severity: fail`,
    `error: ${JSON.stringify(errorName ?? "Error")}`,
    `at: ${JSON.stringify(location)}`,
    `duration_ms: ${Math.round(ms)}`,
    ...(details.length > 0 ? ["details:", ...details.map((line) => `  - ${JSON.stringify(line)}`)] : []),
    "...",
  ];
  return lines.map((line) => `  ${line}\n`).join("");
}

/** A `#` would begin a directive. */
function escapeText(text: string): string {
  return escapeControls(joinLines(text, " ").replaceAll("\\", "\\\\").replaceAll("#", "\\#"));
}
