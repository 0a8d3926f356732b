import { DEFAULTS } from "../../base/defaults.ts";
import { messageOf, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { parseMessageRate } from "../../base/rates.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { StatusLine } from "../../cli/status_line.ts";
import { Measure, type Measurement } from "../../datagram/bench/measure.ts";
import { PROBE_HEADER_BYTES } from "../../datagram/bench/probe.ts";
import { bindSender, resolveTarget } from "../../datagram/sender.ts";
import { probePort } from "../../net/datagram_probe.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import { newHistogram } from "../client/bench/histogram.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { parseDatagramLimit } from "./bench/limits.ts";
import { BenchResult } from "./bench/result.ts";
import { LOG_FLAGS } from "./shared_flags.ts";

const FLAGS = {
  rate: { type: "text", placeholder: "RATE", default: "1000/s", help: "send at 1000/s, 10Mbit or max" },
  size: { type: "size", default: "64", help: `bytes of a datagram, ${PROBE_HEADER_BYTES} at least` },
  duration: { type: "duration", default: "5s", short: "d", help: "send for TIME" },
  count: { type: "integer", least: 1, short: "c", help: "send N datagrams, if that takes less" },
  wait: { type: "duration", default: "1s", help: "at the end, wait TIME for what is still on its way" },
  oneWay: { type: "boolean", help: "ENDPOINT is parley-udp serve sink, which tells at the end what came" },
  failIf: {
    type: "text",
    repeat: true,
    placeholder: "LIMIT",
    help: "exit 1 where it holds: loss>1%, jitter>5ms, p99>20ms",
  },
  bind: { type: "text", placeholder: "ENDPOINT", help: "send from this local endpoint" },
  json: { type: "boolean", help: "the result as one JSON object" },
  ...LOG_FLAGS,
} as const satisfies FlagTable;

/** `parley-udp bench`. */
export const benchCommand: Command = defineCommand({
  usage: "ENDPOINT",
  examples: [
    { words: "bench :5000 --one-way --rate 10Mbit --size 1200", does: "to parley-udp serve sink" },
    { words: "bench :5000 --fail-if 'loss>1%' --fail-if 'p99>20ms'", does: "for CI" },
  ],
  flags: FLAGS,
  notes: [
    "Jitter is that of RFC 3550, section 6.4.1. The limits are loss, dup and reorder in percent, jitter, pN and max in",
    "time, lost and rate (a second) as numbers.",
    "The exit code is 1 where a limit holds or no echo is among what came, 5 where nothing came back, 4 where nobody",
    "is bound to the port.",
  ].join("\n"),
  run: ({ flags, args, io }) => bench(flags, args, io),
});

async function bench(flags: FlagValues<typeof FLAGS>, args: readonly string[], io: ProgramIo): Promise<number> {
  configureProgramLogging(flags, io);
  const [endpoint] = args;
  if (endpoint === undefined || args.length > 1) throw new UsageError("bench takes one endpoint");
  if (flags.size < PROBE_HEADER_BYTES) throw new UsageError(`--size: at least ${PROBE_HEADER_BYTES} bytes`);
  if (flags.size > DEFAULTS.datagramBytes) throw new UsageError(`--size: at most ${DEFAULTS.datagramBytes} bytes`);
  const limits = flags.failIf.map(parseDatagramLimit);
  const perSecond = rateOf(flags.rate, flags.size);
  using stop = io.stop.listen();
  const target = await resolveTarget(endpoint, stop.signal);
  const roundTrips = newHistogram();
  const measure = new Measure(await bindSender(target, flags.bind, { context: "bench" }), {
    target,
    size: flags.size,
    perSecond,
    durationMs: flags.duration,
    count: flags.count ?? Infinity,
    waitMs: flags.wait,
    isOneWay: flags.oneWay,
    signal: stop.signal,
    onRoundTrip: (milliseconds) => roundTrips.recordValue(Math.max(1, Math.round(milliseconds * 1_000))),
  });
  const measured = await withProgress(measure, flags.oneWay, io);
  const result = new BenchResult(measured, { target: formatEndpoint(target), size: flags.size, roundTrips });
  const failed = limits.flatMap((limit) => limit.violation(result) ?? []);
  const verdict = failed.length > 0 && !result.isSilent ? EXIT.unexpected : codeOf(result, target);
  const code = stop.exitCode ?? verdict;
  io.stdout.write(flags.json ? result.toJson(code, failed) : result.toText());
  for (const line of failed) io.stderr.write(`parley-udp: ${line}\n`);
  if (result.isSilent && stop.exitCode === undefined) {
    io.stderr.write(`${formatEndpoint(target)}: ${reasonOf(code, result, flags.oneWay)}\n`);
  }
  return code;
}

function codeOf(result: BenchResult, target: Endpoint): number {
  if (!result.isSilent) return EXIT.done;
  if (result.foreign > 0) return EXIT.unexpected;
  return probePort(target) === "closed" ? EXIT.refused : EXIT.timedOut;
}

/** Why nothing was measured. */
function reasonOf(code: number, result: BenchResult, isOneWay: boolean): string {
  if (code === EXIT.refused) return "nobody is bound there";
  if (code === EXIT.timedOut) return isOneWay ? "the sink did not report" : "no reply";
  const came = `${result.foreign} ${result.foreign === 1 ? "datagram" : "datagrams"} came`;
  return isOneWay ? `${came}, but no sink's report` : `${came}, but none was an echo of what was sent`;
}

async function withProgress(measure: Measure, isOneWay: boolean, io: ProgramIo): Promise<Measurement> {
  using line = new StatusLine(io);
  const timer = setInterval(() => {
    const { unique, jitterMs } = measure.received;
    const came = isOneWay ? "" : `, ${unique} came back, jitter ${jitterMs.toFixed(3)} ms`;
    line.show(`${measure.sent} sent${came}`);
  }, 500);
  try {
    return await measure.run();
  } finally {
    clearInterval(timer);
  }
}

function rateOf(text: string, bytes: number): number {
  if (text === "max") return Infinity;
  try {
    return parseMessageRate(text, bytes);
  } catch (error) {
    throw new UsageError(`--rate: ${messageOf(error)}, or max`, { cause: error });
  }
}
