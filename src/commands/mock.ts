/**
 * Shared by `parley-server mock` and `parley-udp mock`: flags, the file, and reports.
 *
 * @module
 */

import { messageOf, UsageError } from "../base/errors.ts";
import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import { readNamedFile } from "../base/read_named_file.ts";
import { EXIT } from "../cli/exit_codes.ts";
import type { ProgramIo } from "../cli/io.ts";
import { PrintQueue } from "../cli/print.ts";
import { junitXml } from "../cli/reporters/junit.ts";
import { reporterOf } from "../cli/reporters/mod.ts";
import type { TestReport } from "../cli/reporters/test_report.ts";
import { readEnvironment } from "../script/file/variables.ts";
import { Mock, type MockReport } from "../script/mock/mock.ts";
import { parseMockFile } from "../script/mock/mock_file.ts";
import type { MockScript } from "../script/mock/mock_script.ts";
import { RecordingFile } from "../script/recorder.ts";
import { OutputFile } from "./output_file.ts";

/** Flags of a mock. */
export const MOCK_FLAGS = {
  strict: {
    type: "boolean",
    help: "also fail for data skipped by an expectation, and for unused scripts and rules",
  },
  timed: { type: "boolean", help: "play a recording with its original pauses" },
  junit: { type: "text", placeholder: "FILE", help: "also write a JUnit report" },
  tap: { type: "boolean", help: "report in TAP (Test Anything Protocol)" },
  json: { type: "boolean", help: "print one JSON object per connection, then a summary" },
  journal: { type: "text", placeholder: "FILE", help: "record both directions in FILE, like connect --record" },
} as const satisfies FlagTable;

/**
 * Reads the file, runs the mock and reports each connection when it ends, and the overall result at the end.
 *
 * @returns The exit code: that of `run` unless the mock has failed.
 */
export async function runMock(
  path: string,
  flags: FlagValues<typeof MOCK_FLAGS>,
  { io, program }: { io: ProgramIo; program: string },
  run: (mock: Mock, script: MockScript) => Promise<number>,
): Promise<number> {
  using junit = flags.junit === undefined ? undefined : OutputFile.open(flags.junit, "the JUnit report");
  using journal = flags.journal === undefined ? undefined : OutputFile.open(flags.journal, "the journal");
  if (flags.tap && flags.json) throw new UsageError("--tap and --json cannot be combined");
  const content = await readNamedFile(path, "the script");
  const { script, locate } = parseMockFile(content, path, { env: readEnvironment, isTimed: flags.timed });
  const output = new PrintQueue(io);
  const reporter = reporterOf(flags, io, { output });
  const tests: TestReport[] = [];
  const report = (found: MockReport) => {
    const test = testReportOf(found, locate(found.path));
    tests.push(test);
    reporter.test(test);
    return output.held;
  };
  const recording = journal &&
    new RecordingFile(journal, { endpoint: script.name ?? path, framing: script.framing ?? "raw" });
  const mock = new Mock(script, {
    isStrict: flags.strict,
    onConnection: report,
    recorderOf: recording && ((session, connection) => recording.connection(session.kind, connection)),
  });
  const startedAt = new Date();
  const startMs = performance.now();
  reporter.begin();
  const code = await run(mock, script);
  for (const found of mock.verdict()) void report(found);
  const exitCode = code === EXIT.done && mock.hasFailed ? EXIT.unexpected : code;
  const suite = { name: script.name ?? path, program, startedAt, ms: performance.now() - startMs, tests, exitCode };
  reporter.end(suite);
  try {
    junit?.write(junitXml(suite));
  } finally {
    await output.end();
  }
  return exitCode;
}

function testReportOf({ name, ms, error, details, isUnused = false }: MockReport, location: string): TestReport {
  const outcome = error !== undefined ? "failed" : isUnused ? "skipped" : "passed";
  return {
    name,
    outcome,
    ms,
    tries: 1,
    location,
    reason: error !== undefined ? messageOf(error) : isUnused ? "no client used it" : undefined,
    errorName: error?.name,
    exitCode: error === undefined ? EXIT.done : EXIT.unexpected,
    details,
  };
}
