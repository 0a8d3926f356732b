/** What came of one test. */
export interface TestReport {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped" | "interrupted";
  readonly ms: number;
  /** How often it was tried. */
  readonly tries: number;
  /** Where it stands, as in `smoke.yaml:12`. */
  readonly location: string;
  /** Why it failed, was skipped or was interrupted, in one line. */
  readonly reason: string | undefined;
  /** Class of the error, as in `TimeoutError`. */
  readonly errorName: string | undefined;
  /** The exit code that the failure alone would have. */
  readonly exitCode: number;
  /** More for people about a failure, in lines. */
  readonly details: readonly string[];
}

/** What came of all tests. */
export interface SuiteReport {
  readonly name: string;
  /** The program that ran them. */
  readonly program: string;
  readonly startedAt: Date;
  readonly ms: number;
  /** In the order of the file; also those that were interrupted, or not begun. */
  readonly tests: readonly TestReport[];
  /** The exit code of the program. */
  readonly exitCode: number;
}

/** Tells of tests as they end. */
export interface Reporter {
  /** Before the first one; without a count it is not known how many there will be. */
  begin(count?: number): void;
  /** One has ended. */
  test(report: TestReport): void;
  /** All have ended. */
  end(suite: SuiteReport): void;
}

/** How many tests had each outcome. */
export function countOutcomes(tests: readonly TestReport[]): Record<TestReport["outcome"], number> {
  const counts = { passed: 0, failed: 0, skipped: 0, interrupted: 0 };
  for (const { outcome } of tests) counts[outcome]++;
  return counts;
}
