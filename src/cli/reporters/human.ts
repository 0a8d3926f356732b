import { escapeControls } from "../../base/bytes.ts";
import { formatDuration } from "../../base/units.ts";
import type { Style } from "../style.ts";
import { padCells, textWidth } from "../text_width.ts";
import { countOutcomes, type Reporter } from "./test_report.ts";

/** Text report: one line per test, with failures below it, and a summary. `names` are those of all tests. */
export function humanReporter(write: (text: string) => void, style: Style, names: readonly string[]): Reporter {
  const width = Math.max(0, ...names.map((name) => textWidth(escapeControls(name))));
  return {
    begin() {},
    test({ name, outcome, ms, tries, location, reason, details }) {
      const label = {
        passed: style.good("ok  "),
        failed: style.bad("fail"),
        skipped: style.faint("skip"),
        interrupted: style.bad("stop"),
      }[outcome];
      const effort = tries > 1 ? ` (${tries} tries)` : "";
      const hasRun = outcome === "passed" || outcome === "failed";
      const time = !hasRun ? escapeControls(reason ?? "") : `${formatDuration(Math.round(ms))}${effort}`;
      const lines = outcome === "failed" ? [`${location}: ${reason}`, ...details] : [];
      write(
        [
          `${label}  ${padCells(escapeControls(name), width)}  ${time}`,
          ...lines.map((line) => `      ${escapeControls(line)}`),
          "",
        ]
          .join("\n"),
      );
    },
    end({ tests, ms }) {
      const { passed, failed, skipped, interrupted } = countOutcomes(tests);
      const parts = [`${passed} passed`, failed > 0 ? style.bad(`${failed} failed`) : `${failed} failed`];
      if (skipped > 0) parts.push(`${skipped} skipped`);
      if (interrupted > 0) parts.push(style.bad(`${interrupted} interrupted`));
      write(`\n${parts.join(", ")} in ${formatDuration(Math.round(ms))}\n`);
    },
  };
}
