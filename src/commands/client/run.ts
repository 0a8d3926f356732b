import { toJsonLine } from "../../base/bytes.ts";
import { ParleyError, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT, exitCodeOf, StoppedError } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { print } from "../../cli/print.ts";
import { junitXml } from "../../cli/reporters/junit.ts";
import type { TestReport } from "../../cli/reporters/test_report.ts";
import { check, type CheckOptions, reasonFor } from "../../probe/check.ts";
import { splitWords } from "../../probe/exec.ts";
import { PROTOCOLS, resolveProbe } from "../../probe/registry.ts";
import { OutputTail, ProcessGroup } from "../../process/process_group.ts";
import { runChild } from "../child_process.ts";
import { OutputFile } from "../output_file.ts";
import { configureProgramLogging, streamLogFlags } from "../program_logging.ts";
import { EXPECTATION_FLAGS, expectationsOf, rejectInapplicableFlags } from "./check_flags.ts";

/** Maximum bytes of a server's output to keep. */
const MAX_KEPT_BYTES = 64 * 1024;

const FLAGS = {
  start: {
    type: "text",
    repeat: true,
    placeholder: "COMMAND",
    help: "start a server (shell words, no expansion)",
  },
  check: {
    type: "text",
    repeat: true,
    placeholder: "ENDPOINT",
    help: "endpoint that must be ready before the test",
  },
  wait: { type: "duration", default: "60s", help: "maximum time until everything is ready" },
  timeout: { type: "duration", default: "5s", help: "maximum time for one attempt" },
  stopTimeout: { type: "duration", default: "10s", help: "time between SIGTERM and SIGKILL" },
  showOutput: { type: "boolean", help: "copy the servers' output to standard error" },
  junit: { type: "text", placeholder: "FILE", help: "write a JUnit report" },
  json: { type: "boolean", help: "print one JSON object at the end" },
  ...EXPECTATION_FLAGS,
  ...streamLogFlags("warning"),
} as const satisfies FlagTable;

type RunFlags = FlagValues<typeof FLAGS>;

/** One step of a run, for the reports. */
interface Step {
  readonly name: string;
  readonly ms: number;
  readonly exitCode: number;
  readonly reason?: string | undefined;
  readonly errorName?: string | undefined;
  readonly isInterrupted?: boolean;
}

/** `parley-client run`. */
export const runCommand = defineCommand({
  usage: "--start COMMAND... --check ENDPOINT... -- TEST COMMAND",
  schemes: PROTOCOLS.flatMap(({ schemes }) => schemes),
  examples: [
    {
      words:
        "run --start 'redis-server --port 6400' --start './api' --check redis://:6400 --check :8080 -- go test ./...",
      does: "several servers, all ready before the test",
    },
  ],
  flags: FLAGS,
  notes: [
    "The exit code is the test's. A server that ends before everything is ready fails the run at once (exit code 1)",
    "with its last output. After the test every server is stopped with all that it started, also after a signal.",
  ].join("\n"),
  readsEnvironment: true,
  takesCommand: true,
  async run({ flags, args, given, childCommand, io }) {
    configureProgramLogging(flags, io);
    if (args.length > 0) throw new UsageError(`unexpected argument "${args[0]}"; the test follows "--"`);
    if (flags.start.length === 0) throw new UsageError("no server to start: give --start COMMAND");
    if (flags.check.length === 0) throw new UsageError("nothing to wait for: give --check ENDPOINT");
    if (childCommand.length === 0) throw new UsageError('no test to run: give it after "--"');
    rejectInapplicableFlags(given, flags.check.map((endpoint) => resolveProbe(endpoint).target));
    const servers = flags.start.map((text) => splitWords(text));
    const options = await expectationsOf(flags);
    using junit = flags.junit === undefined ? undefined : OutputFile.open(flags.junit, "the report");
    const startedAt = new Date();
    const run = new Run(flags, io);
    const exitCode = await run.run(servers, options, childCommand);
    const { steps } = run;
    const ms = Date.now() - startedAt.getTime();
    junit?.write(
      junitXml({ name: "run", program: "parley-client", startedAt, ms, tests: steps.map(testOf), exitCode }),
    );
    if (flags.json) await print(io, toJsonLine({ ok: exitCode === EXIT.done, exitCode, ms, steps }));
    return exitCode;
  },
});

function testOf({ name, ms, exitCode, reason, errorName, isInterrupted }: Step): TestReport {
  const outcome = isInterrupted ? "interrupted" : exitCode === EXIT.done ? "passed" : "failed";
  return { name, outcome, ms, tries: 1, location: "run", reason, errorName, exitCode, details: [] };
}

class Run {
  readonly #flags: RunFlags;
  readonly #io: ProgramIo;
  readonly #groups: ProcessGroup[] = [];
  readonly steps: Step[] = [];

  constructor(flags: RunFlags, io: ProgramIo) {
    this.#flags = flags;
    this.#io = io;
  }

  /** Starts the servers, waits, runs the test and stops them; returns the exit code. */
  async run(servers: readonly string[][], options: CheckOptions, test: readonly string[]): Promise<number> {
    // The servers run in their own process groups, which do not end when the terminal is closed.
    using _further = this.#io.stop.includeFurther();
    try {
      const code = await this.#becomeReady(servers, options);
      return code === EXIT.done ? await this.#test(test) : code;
    } finally {
      // A signal must not end this program before the servers have ended.
      const hurry = new AbortController();
      using _diverted = this.#io.stop.divert(() => hurry.abort());
      await Promise.all(this.#groups.map((group) => group.stop(this.#flags.stopTimeout, hurry.signal)));
    }
  }

  async #becomeReady(servers: readonly string[][], options: CheckOptions): Promise<number> {
    using stop = this.#io.stop.listen();
    const given = new AbortController();
    const onOutput = this.#flags.showOutput ? (bytes: Uint8Array) => this.#io.stderr.write(bytes) : undefined;
    for (const words of servers) {
      const kept = new OutputTail(MAX_KEPT_BYTES);
      const onBytes = onOutput ?? ((bytes: Uint8Array) => kept.push(bytes));
      const group = new ProcessGroup(words, { onOutput: onBytes, onErrorOutput: onBytes });
      this.#groups.push(group);
      void group.ended.then(({ code }) => given.abort(new EndedEarly(words, code, kept.text)));
    }
    const signal = AbortSignal.any([stop.signal, given.signal]);
    const codes = await Promise.all(this.#flags.check.map((endpoint) => this.#waitFor(endpoint, options, signal)));
    return codes.find((code) => code !== EXIT.done) ?? EXIT.done;
  }

  async #waitFor(endpoint: string, options: CheckOptions, signal: AbortSignal): Promise<number> {
    const { wait, timeout } = this.#flags;
    const startMs = performance.now();
    let error: unknown;
    let shown = endpoint;
    try {
      const result = await check(endpoint, { ...options, wait, timeout, signal });
      if (result.state !== "ready") error = result.error;
      shown = result.endpoint;
    } catch (thrown) {
      if (thrown instanceof UsageError) throw thrown;
      error = thrown;
      shown = resolveProbe(endpoint).target.text;
    }
    const exitCode = error === undefined ? EXIT.done : exitCodeOf(error);
    const isInterrupted = error instanceof StoppedError;
    const reason = error === undefined ? undefined : reasonFor(error, shown);
    const name = `${shown} is ready`;
    this.#add({ name, ms: performance.now() - startMs, exitCode, reason, errorName: nameOf(error), isInterrupted });
    if (reason !== undefined && !isInterrupted) {
      const time = formatDuration(Math.round(performance.now() - startMs));
      this.#io.stderr.write(`parley-client: ${shown} was not ready after ${time}: ${reason}\n`);
      if (error instanceof EndedEarly) this.#io.stderr.write(error.output);
    }
    return exitCode;
  }

  async #test(words: readonly string[]): Promise<number> {
    const startMs = performance.now();
    const exitCode = await runChild(words, this.#io);
    const reason = exitCode === EXIT.done ? undefined : `exit status ${exitCode}`;
    this.#add({ name: words.join(" "), ms: performance.now() - startMs, exitCode, reason, errorName: "ExitStatus" });
    return exitCode;
  }

  #add(step: Step): void {
    this.steps.push({ ...step, ms: Math.round(step.ms) });
  }
}

function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

/** A server ended before it was ready. */
class EndedEarly extends ParleyError {
  override name = "EndedEarlyError";
  readonly output: string;

  constructor(words: readonly string[], code: number, output: string) {
    super(`"${words.join(" ")}" ended with exit status ${code} before everything was ready`);
    this.output = output;
  }
}
