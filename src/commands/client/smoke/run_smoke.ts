import { UsageError } from "../../../base/errors.ts";
import type { FlagValues } from "../../../base/flag_spec.ts";
import { commonExitCode, EXIT } from "../../../cli/exit_codes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { PrintQueue } from "../../../cli/print.ts";
import { reporterOf } from "../../../cli/reporters/mod.ts";
import { junitXml } from "../../../cli/reporters/junit.ts";
import type { SuiteReport, TestReport } from "../../../cli/reporters/test_report.ts";
import { StatusLine } from "../../../cli/status_line.ts";
import { OutputFile } from "../../output_file.ts";
import { readNamedFile } from "../../../base/read_named_file.ts";
import { routeConnectOptions } from "../route_flags.ts";
import type { SMOKE_FLAGS } from "../smoke.ts";
import type { YamlFile } from "../../../script/file/yaml_file.ts";
import { readEnvironment } from "../../../script/file/variables.ts";
import { parseSmokeFile } from "./parse_file.ts";
import type { SmokeFile } from "./schema.ts";
import { runAll } from "./run_all.ts";
import { type SmokeStack, STACK_TEST, stackOf } from "./smoke_stack.ts";

type SmokeFlags = FlagValues<typeof SMOKE_FLAGS>;

/** Runs `smoke`; returns the exit code. */
export async function runSmoke(path: string, flags: SmokeFlags, io: ProgramIo): Promise<number> {
  using junit = flags.junit === undefined ? undefined : OutputFile.open(flags.junit, "the JUnit report");
  if (flags.tap && flags.json) throw new UsageError("--tap and --json cannot be combined");
  const text = await readNamedFile(path, "the smoke file");
  const stack = await stackOf(text, path);
  if (stack === undefined || stack.services.every(({ program }) => program.length === 0)) {
    await io.dropPermissions?.("run");
  }
  // The whole file is validated before anything is started.
  const checked = parseSmokeFile(text, path, readEnvironment, stack?.expected);
  using _ = io.stop.listen();
  // Commands of the stack and of checks run in their own process groups, which do not end when the terminal is closed.
  using _further = io.stop.includeFurther();
  const route = await routeConnectOptions(flags);
  await using running = await stack?.start();
  const parsed = running === undefined ? checked : parseSmokeFile(text, path, readEnvironment, running.variables);
  const output = new PrintQueue(io);
  const suite = await run(parsed, path, { ...flags, route }, { io, output }, running);
  try {
    junit?.write(junitXml(suite));
  } finally {
    await output.end();
  }
  output.failed.throwIfAborted();
  return suite.exitCode;
}

async function run(
  parsed: YamlFile<SmokeFile>,
  path: string,
  { route, ...flags }: SmokeFlags & { readonly route: Awaited<ReturnType<typeof routeConnectOptions>> },
  { io, output }: { readonly io: ProgramIo; readonly output: PrintQueue },
  stack: SmokeStack | undefined,
): Promise<SuiteReport> {
  const { tests } = parsed.value;
  const names = [...tests.map(({ name }) => name), ...stack === undefined ? [] : [STACK_TEST]];
  const reporter = reporterOf(flags, io, { output, names });
  const startedAt = new Date();
  const startMs = performance.now();
  using status = new StatusLine(io);
  let done = 0;
  reporter.begin(names.length);
  const reports = await runAll(parsed, {
    route,
    jobs: flags.jobs,
    deadlineMs: flags.deadline,
    tags: flags.tag,
    skippedTags: flags.skipTag,
    // A report file needs every test, even if nobody can read standard output.
    signal: flags.junit === undefined ? AbortSignal.any([io.stop.signal, output.failed]) : io.stop.signal,
    onTest(report) {
      status.clear();
      reporter.test(report);
      if (++done < tests.length) status.show(`${done} of ${tests.length} done`);
    },
  });
  status.clear();
  if (stack !== undefined) {
    const report = await stack.end(parsed.locate(["stack"]));
    reports.push(report);
    reporter.test(report);
  }
  const suite = {
    name: parsed.value.name ?? path,
    program: "parley-client",
    startedAt,
    ms: performance.now() - startMs,
    tests: reports,
    exitCode: io.stop.exitCode ?? exitCodeFor(reports),
  };
  reporter.end(suite);
  return suite;
}

/** The exit code common to all failures, or 1; also 1 if no test was run. */
function exitCodeFor(tests: readonly TestReport[]): number {
  const failed = tests.filter(({ outcome }) => outcome === "failed");
  if (failed.length > 0) return commonExitCode(failed.map(({ exitCode }) => exitCode));
  return tests.every(({ outcome }) => outcome === "skipped") ? EXIT.unexpected : EXIT.done;
}
