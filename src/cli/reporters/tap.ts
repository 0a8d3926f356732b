import { escapeControls } from "../../base/bytes.ts";
import type { Reporter, TestReport } from "./test_report.ts";

/** Test Anything Protocol, version 13 (testanything.org), as read by Perl's `prove`. */
export function tapReporter(write: (text: string) => void): Reporter {
  let number = 0;
  let hasBailedOut = false;
  let hasPlan = true;
  return {
    begin(count) {
      write(`TAP version 13\n`);
      if (count !== undefined) write(`1..${count}\n`);
      hasPlan = count !== undefined;
    },
    test(report) {
      const { name, outcome, reason } = report;
      if (outcome === "interrupted") {
        if (!hasBailedOut) write(`Bail out! ${escapeText(reason ?? "")}\n`);
        hasBailedOut = true;
        return;
      }
      const skip = outcome === "skipped" ? ` # SKIP ${escapeText(reason ?? "")}` : "";
      write(`${outcome === "failed" ? "not ok" : "ok"} ${++number} - ${escapeText(name)}${skip}\n`);
      if (outcome === "failed") write(diagnostic(report));
    },
    end() {
      // The plan may also be at the end.
      if (!hasPlan) write(`1..${number}\n`);
    },
  };
}

/** A YAML block with JSON values, because `prove` reads lists only on one line. */
function diagnostic({ reason, location, errorName, ms, details }: TestReport): string {
  const lines = [
    "---",
    `message: ${JSON.stringify(reason ?? "")}`,
    `severity: fail`,
    `error: ${JSON.stringify(errorName ?? "Error")}`,
    `at: ${JSON.stringify(location)}`,
    `duration_ms: ${Math.round(ms)}`,
    ...(details.length > 0 ? [`details: ${JSON.stringify(details)}`] : []),
    "...",
  ];
  return lines.map((line) => `  ${line}\n`).join("");
}

/** A `#` starts a directive, and version 13 has no portable escape, so the full-width sign (U+FF03) replaces it. */
function escapeText(text: string): string {
  return escapeControls(text.replaceAll(/\s*\n\s*/g, " ").replaceAll("#", "\uff03"));
}
