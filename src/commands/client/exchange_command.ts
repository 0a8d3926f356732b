import { escapeControls, textOrHex, toJsonLine } from "../../base/bytes.ts";
import { messageOf } from "../../base/errors.ts";
import { EXIT, exitCodeOf } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { print } from "../../cli/print.ts";
import type { Session } from "../../session/session.ts";
import { type DialFlags, isByLine } from "./dial.ts";
import { failureLines } from "../../script/difference.ts";
import { type ExchangeReport, runExchange, type StepReport } from "../../script/exchange.ts";
import type { Step } from "../../script/steps.ts";
import { ReplyPrinter } from "./reply_printer.ts";
import { roundTo } from "../../base/units.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { typeName } from "../../script/expectations.ts";

/** Shared options of `send` and `replay`. */
interface ExchangeFlags extends Pick<DialFlags, "framing"> {
  readonly timeout: number;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly hex: boolean;
}

/**
 * Runs the steps, prints received data, or with `--json` one object, and reports failures on standard error. Returns
 * the exit code.
 */
export async function exchangeOnCommandLine(
  session: Session,
  steps: readonly Step[],
  flags: ExchangeFlags,
  io: ProgramIo,
  signal: AbortSignal,
): Promise<number> {
  const startMs = performance.now();
  const printer = new ReplyPrinter(io.stdout, { isHex: flags.hex, isByLine: isByLine(session, flags) });
  const isSilent = flags.quiet || flags.json;
  const report = await runExchange(session, steps, {
    timeoutMs: flags.timeout,
    signal,
    ...(isSilent ? {} : { onReceived: (message) => printer.print(message) }),
  });
  printer.end();
  signal.throwIfAborted();
  // Standard output is closed: the report has no reader.
  if (report.error instanceof Deno.errors.BrokenPipe) throw report.error;
  const exitCode = report.error === undefined ? EXIT.done : exitCodeOf(report.error);
  if (flags.json) {
    const ms = performance.now() - startMs;
    await print(io, toJsonLine(reportObject(report, { session, exitCode, ms })));
  }
  if (report.error !== undefined) {
    const lines = [`parley-client: ${messageOf(report.error)}`, ...failureLines(report).map((line) => `  ${line}`)];
    io.stderr.write(lines.map((line) => `${escapeControls(line)}\n`).join(""));
  }
  return exitCode;
}

/** What `send --json` prints. */
function reportObject(
  report: ExchangeReport,
  { session, exitCode, ms }: { session: Session; exitCode: number; ms: number },
): object {
  const { error } = report;
  return {
    ok: error === undefined,
    exitCode,
    endpoint: formatEndpoint(session.remote),
    ms: roundTo(ms, 1),
    receivedBytes: report.receivedBytes,
    steps: report.steps.map(stepObject),
    captures: Object.fromEntries(report.captures),
    unmatched: textOrHex(report.unmatched),
    ...(error === undefined ? {} : { error: { name: error.name, message: error.message } }),
  };
}

function stepObject({ step, ms, data, received, isText, error }: StepReport): object {
  return {
    step: step.kind === "expect" ? `expect ${step.pattern.kind}` : step.kind,
    ok: error === undefined,
    ms: roundTo(ms, 1),
    ...(step.kind === "expect" && step.pattern.kind === "regex" ? { regex: step.pattern.source } : {}),
    ...(isText === undefined ? {} : { type: typeName({ isText }) }),
    ...(data === undefined ? {} : { data: textOrHex(data) }),
    ...(received === undefined ? {} : { received: textOrHex(received) }),
  };
}
