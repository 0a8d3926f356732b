import { DEFAULTS } from "../../base/defaults.ts";
import { messageOf, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { parseMessageRate } from "../../base/rates.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { print } from "../../cli/print.ts";
import { StatusLine } from "../../cli/status_line.ts";
import { Measure, type Measurement } from "../../datagram/bench/measure.ts";
import { PROBE_HEADER_BYTES } from "../../datagram/bench/probe.ts";
import { bindSender, resolveTarget } from "../../datagram/sender.ts";
import type { DatagramSocket } from "../../net/datagram.ts";
import { probePort } from "../../net/datagram_probe.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import { newHistogram } from "../../load/histogram.ts";
import { endpointArgument } from "../arguments.ts";
import { configureProgramLogging, logFlags } from "../program_logging.ts";
import { BenchResult, parseDatagramLimit } from "./bench/result.ts";
import { SENDER_FLAGS, senderDialerOf } from "./shared_flags.ts";

const FLAGS = {
  rate: {
    type: "text",
    placeholder: "RATE",
    default: "1000/s",
    help: "datagrams or bits per second, for example 1000/s or 10Mbit; or max",
  },
  size: { type: "size", default: "64", help: `size of a datagram, at least ${PROBE_HEADER_BYTES}` },
  duration: { type: "duration", default: "5s", short: "d", help: "send for TIME" },
  count: { type: "integer", min: 1, short: "c", help: "stop after N datagrams" },
  wait: { type: "duration", default: "1s", help: "wait TIME for the last replies" },
  oneWay: { type: "boolean", help: "measure one direction; ENDPOINT must be parley-udp serve sink" },
  failIf: {
    type: "text",
    repeat: true,
    placeholder: "LIMIT",
    help: "exit 1 if LIMIT holds, for example loss>1%, jitter>5ms or p99>20ms",
  },
  ...SENDER_FLAGS,
  json: { type: "boolean", help: "print the result as one JSON object" },
  ...logFlags("warning"),
} as const satisfies FlagTable;

/** `parley-udp bench`. */
export const benchCommand: Command = defineCommand({
  usage: "ENDPOINT",
  examples: [
    {
      words: "bench :5000 --one-way --rate 10Mbit --size 1200",
      does: "measure one direction to parley-udp serve sink",
    },
    { words: "bench :5000 --fail-if 'loss>1%' --fail-if 'p99>20ms'", does: "fail a CI job" },
  ],
  flags: FLAGS,
  notes: [
    "Jitter is computed as in RFC 3550, section 6.4.1. A corrupted datagram counts as lost too.",
    "Limits: loss, dup, reorder and corrupt in percent; jitter, pN and max as times; lost and rate (per second) as",
    "numbers. The exit code is 1 if a limit holds or if no intact echo came back, 5 if nothing came back, and 4 if",
    "the port is closed.",
  ].join("\n"),
  run: ({ flags, args, io }) => bench(flags, args, io),
});

async function bench(flags: FlagValues<typeof FLAGS>, args: readonly string[], io: ProgramIo): Promise<number> {
  configureProgramLogging(flags, io);
  const endpoint = endpointArgument(args);
  if (flags.size < PROBE_HEADER_BYTES) throw new UsageError(`--size: must be at least ${PROBE_HEADER_BYTES}`);
  if (flags.size > DEFAULTS.datagramBytes) throw new UsageError(`--size: must be at most ${DEFAULTS.datagramBytes}`);
  const limits = flags.failIf.map(parseDatagramLimit);
  const perSecond = rateOf(flags.rate, flags.size);
  using stop = io.stop.listen();
  const { signal } = stop;
  const dialer = await senderDialerOf(flags);
  const target = await resolveTarget(endpoint, signal, dialer);
  const roundTrips = newHistogram();
  const socket = await bindSender(target, flags.bind, { context: "bench", dialer, signal });
  const measure = new Measure(socket, {
    target,
    size: flags.size,
    perSecond,
    durationMs: flags.duration,
    count: flags.count ?? Infinity,
    waitMs: flags.wait,
    isOneWay: flags.oneWay,
    signal,
    onRoundTrip: (milliseconds) => roundTrips.recordValue(Math.max(1, Math.round(milliseconds * 1_000))),
  });
  const measured = await withProgress(measure, flags.oneWay, io);
  const result = new BenchResult(measured, { target: formatEndpoint(target), size: flags.size, roundTrips });
  const failed = limits.flatMap((limit) => limit.violation(result) ?? []);
  const verdict = failed.length > 0 && !result.isSilent ? EXIT.unexpected : codeOf(result, target, socket);
  const code = stop.exitCode ?? verdict;
  await print(io, flags.json ? result.toJson(code, failed) : result.toText());
  for (const line of failed) io.stderr.write(`parley-udp: ${line}\n`);
  if (result.isSilent && stop.exitCode === undefined) {
    io.stderr.write(`${formatEndpoint(target)}: ${reasonOf(code, result, flags.oneWay)}\n`);
  }
  return code;
}

function codeOf(result: BenchResult, target: Endpoint, socket: DatagramSocket): number {
  if (!result.isSilent) return EXIT.done;
  if (result.foreign + result.corrupted > 0) return EXIT.unexpected;
  return probePort(target, socket) === "closed" ? EXIT.refused : EXIT.timedOut;
}

/** Why nothing was measured. */
function reasonOf(code: number, result: BenchResult, isOneWay: boolean): string {
  if (code === EXIT.refused) return "port closed";
  if (code === EXIT.timedOut) return isOneWay ? "the sink did not report" : "no reply";
  if (result.corrupted > 0) return `all ${result.corrupted} received datagrams are corrupted`;
  const received = `received ${result.foreign} ${result.foreign === 1 ? "datagram" : "datagrams"}`;
  return isOneWay ? `${received}, but no report of a sink` : `${received}, but no echo`;
}

async function withProgress(measure: Measure, isOneWay: boolean, io: ProgramIo): Promise<Measurement> {
  using line = new StatusLine(io);
  const timer = setInterval(() => {
    const { unique, jitterMs } = measure.received;
    const received = isOneWay ? "" : `, ${unique} received, jitter ${jitterMs.toFixed(3)} ms`;
    line.show(`${measure.sent} sent${received}`);
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
