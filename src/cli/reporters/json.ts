import { roundTo } from "../../base/units.ts";
import { toJsonLine } from "../../base/bytes.ts";
import { countOutcomes, type Reporter } from "./test_report.ts";

/** JSON report: one object per test, then a summary. */
export function jsonReporter(write: (text: string) => void): Reporter {
  return {
    begin() {},
    test({ name, outcome, ms, tries, location, reason, errorName, exitCode, details }) {
      const hasError = outcome === "failed" || outcome === "interrupted";
      const failure = hasError ? { exitCode, error: { name: errorName, message: reason }, details } : {};
      const skipped = outcome === "skipped" ? { reason } : {};
      write(toJsonLine({ test: name, outcome, ms: roundTo(ms, 1), tries, location, ...failure, ...skipped }));
    },
    end({ name, tests, ms, exitCode }) {
      const result = { suite: name, ok: exitCode === 0, exitCode, ...countOutcomes(tests), ms: roundTo(ms, 1) };
      write(toJsonLine(result));
    },
  };
}
