import { messageOf } from "../../base/errors.ts";
import { exitCodeOf } from "../exit_codes.ts";

/** The result of a test. */
export interface TestReport {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped" | "interrupted";
  readonly ms: number;
  /** Number of attempts; 0 if it was not started. */
  readonly tries: number;
  /** Location, such as `smoke.yaml:12`. */
  readonly location: string;
  /** One-line reason of a failure, skip or interruption. */
  readonly reason?: string | undefined;
  /** Class of the error, such as `TimeoutError`. */
  readonly errorName?: string | undefined;
  /** The exit code of this failure alone. */
  readonly exitCode: number;
  /** Details of a failure, in lines. */
  readonly details: readonly string[];
}

/** The results of all tests. */
export interface SuiteReport {
  readonly name: string;
  /** The program that ran them. */
  readonly program: string;
  readonly startedAt: Date;
  readonly ms: number;
  /** In the order of the file, including interrupted and not started tests. */
  readonly tests: readonly TestReport[];
  /** The exit code of the program. */
  readonly exitCode: number;
}

/** Reports test results. */
export interface Reporter {
  /** Called before the first test; `count` is omitted if unknown. */
  begin(count?: number): void;
  /** Called when a test has ended. */
  test(report: TestReport): void;
  /** Called when all tests have ended. */
  end(suite: SuiteReport): void;
}

/** The part of a report that describes an error. */
export function describeError(error: unknown): { reason: string; errorName: string; exitCode: number } {
  return {
    reason: messageOf(error),
    errorName: error instanceof Error ? error.name : "Error",
    exitCode: exitCodeOf(error),
  };
}

/** Counts tests by outcome. */
export function countOutcomes(tests: readonly TestReport[]): Record<TestReport["outcome"], number> {
  const counts = { passed: 0, failed: 0, skipped: 0, interrupted: 0 };
  for (const { outcome } of tests) counts[outcome]++;
  return counts;
}
