import { countOutcomes, type Reporter } from "./test_report.ts";

/** For programs: one object a test, one more at the end. */
export function jsonReporter(write: (text: string) => void): Reporter {
  return {
    begin() {},
    test({ name, outcome, ms, tries, location, reason, errorName, exitCode, details }) {
      const failure = outcome === "failed" ? { exitCode, error: { name: errorName, message: reason }, details } : {};
      const skipped = outcome === "skipped" ? { reason } : {};
      write(`${JSON.stringify({ test: name, outcome, ms: round(ms), tries, location, ...failure, ...skipped })}\n`);
    },
    end({ name, tests, ms }) {
      const counts = countOutcomes(tests);
      write(`${JSON.stringify({ suite: name, ok: counts.failed === 0, ...counts, ms: round(ms) })}\n`);
    },
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
