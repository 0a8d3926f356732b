import { TimeoutError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { TestReport } from "../../../cli/reporters/test_report.ts";
import { interrupted, runTest } from "./run_one.ts";
import type { YamlFile } from "../../../script/file/yaml_file.ts";
import type { SmokeFile, SmokeTest } from "./schema.ts";
import { SharedConnections } from "./shared_connections.ts";

/** Options for running the tests of a file. */
interface RunAllOptions {
  /** Maximum concurrent tests. */
  readonly jobs: number;
  /** Time limit for all tests in milliseconds; unfinished tests then fail. */
  readonly deadlineMs: number | undefined;
  /** Run tests with one of these tags; all if empty. */
  readonly tags: readonly string[];
  /** Skip tests with one of these tags. */
  readonly skippedTags: readonly string[];
  /** The route to every endpoint. */
  readonly route: SharedConnections["route"];
  /** Aborts with its reason. */
  readonly signal: AbortSignal;
  /** Called when a test ends. */
  readonly onTest: (report: TestReport) => void;
}

/**
 * Runs the tests of a file concurrently; the reports are in the order of the file. After an abort, unfinished tests are
 * reported as interrupted.
 */
export async function runAll(
  { value: file, locate }: YamlFile<SmokeFile>,
  options: RunAllOptions,
): Promise<TestReport[]> {
  const { signal, deadlineMs } = options;
  const late = new AbortController();
  const onLate = () =>
    late.abort(new TimeoutError("total", `the tests did not end within ${formatDuration(deadlineMs ?? 0)}`));
  const timer = deadlineMs === undefined ? undefined : setTimeout(onLate, deadlineMs);
  await using connections = new SharedConnections(options.jobs, options.route);
  const reports: TestReport[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < file.tests.length; index = next++) {
      const own = file.tests[index];
      if (own === undefined) return;
      const test: SmokeTest = { ...file.defaults, ...own };
      const at = (path: readonly PropertyKey[]) => locate(["tests", index, ...path]);
      const reason = skipReason(test, options);
      const report = reason !== undefined
        ? skipped(test, reason, at([]))
        : signal.aborted
        ? interrupted(test, signal, { tries: 0, ms: 0, locate: at })
        : await runTest(test, { signal, deadline: late.signal, connections, locate: at });
      reports[index] = report;
      options.onTest(report);
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(options.jobs, file.tests.length) }, work));
  } finally {
    clearTimeout(timer);
    // After a reporter has failed, no new test is started.
    next = file.tests.length;
  }
  return reports;
}

function skipReason({ tags = [] }: SmokeTest, options: RunAllOptions): string | undefined {
  const unwanted = tags.find((tag) => options.skippedTags.includes(tag));
  if (unwanted !== undefined) return `it has the tag ${unwanted}`;
  if (options.tags.length === 0 || tags.some((tag) => options.tags.includes(tag))) return undefined;
  return `it does not have the tag ${options.tags.join(" or ")}`;
}

function skipped({ name }: SmokeTest, reason: string, location: string): TestReport {
  return { name, outcome: "skipped", ms: 0, tries: 0, location, reason, exitCode: EXIT.done, details: [] };
}
