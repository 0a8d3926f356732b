import { toJsonLine } from "../../base/bytes.ts";
import { countOutcomes, type Reporter } from "./test_report.ts";

/** For programs: one object a test, one more at the end. */
export function jsonReporter(write: (text: string) => void): Reporter {
  return {
    begin() {},
    test({ name, outcome, ms, tries, location, reason, errorName, exitCode, details }) {
      const hasError = outcome === "failed" || outcome === "interrupted";
      const failure = hasError ? { exitCode, error: { name: errorName, message: reason }, details } : {};
      const skipped = outcome === "skipped" ? { reason } : {};
      write(toJsonLine({ test: name, outcome, ms: round(ms), tries, location, ...failure, ...skipped }));
    },
    end({ name, tests, ms, exitCode }) {
      const result = { suite: name, ok: exitCode === 0, exitCode, ...countOutcomes(tests), ms: round(ms) };
      write(toJsonLine(result));
    },
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
