import { ByteSink } from "../../base/byte_sink.ts";
import { parseHex, utf8 } from "../../base/bytes.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { LimitError, UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { DatagramExchange } from "../../datagram/exchange.ts";
import { bindSender, hasManyReceivers, resolveTarget } from "../../datagram/sender.ts";
import { formatEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { sendReport } from "./send/report.ts";
import { LOG_FLAGS } from "./shared_flags.ts";

const FLAGS = {
  hex: { type: "text", placeholder: "HEX", help: "send these bytes instead of DATA" },
  file: { type: "text", placeholder: "FILE", help: "send what FILE holds instead of DATA, as one datagram" },
  count: { type: "integer", least: 1, default: 1, short: "c", help: "send N datagrams" },
  interval: { type: "duration", default: "10ms", short: "i", help: "between one datagram and the next" },
  timeout: { type: "duration", default: "2s", short: "t", help: "wait TIME for the reply to one try" },
  retries: { type: "integer", default: 0, help: "try a datagram without a reply N more times" },
  match: {
    type: "choice",
    choices: ["port", "sequence", "content"],
    help: "how a reply finds its datagram (default: sequence where DATA holds {seq}, port otherwise)",
  },
  bind: { type: "text", placeholder: "ENDPOINT", help: "send from this local endpoint" },
  json: { type: "boolean", help: "one JSON object a datagram, then a summary, on standard output" },
  ...LOG_FLAGS,
} as const satisfies FlagTable;

type SendFlags = FlagValues<typeof FLAGS>;

/** `parley-udp send`. */
export const sendCommand: Command = defineCommand({
  name: "send",
  summary: "send datagrams and say which of them got no reply",
  usage: "ENDPOINT [DATA]",
  examples: [
    { words: "send udp://127.0.0.1:5000 hello", does: "print the reply" },
    { words: "send :5000 'ping {seq}' --count 100 --interval 10ms", does: "numbered datagrams, then a summary" },
    { words: "send :5000 --hex 01ff --retries 5 --timeout 200ms", does: "bytes, tried up to six times" },
  ],
  flags: FLAGS,
  notes: [
    "{seq} in DATA stands for the number of the datagram, from 1.",
    "Without DATA, --hex or --file, what comes on standard input is sent as one datagram.",
    "A reply is matched by port (each waiting datagram has a local port of its own), by sequence (the first number",
    "in it that is one of a waiting datagram) or by content (it is the datagram, upper or lower case).",
    "The exit code is 5 where a datagram got no reply, 4 where each of those found the port closed. Whether a port",
    "is closed can be told for addresses of this machine only; elsewhere it looks like silence.",
  ].join("\n"),
  run: ({ flags, args, io }) => send(flags, args, io),
});

async function send(flags: SendFlags, args: readonly string[], io: ProgramIo): Promise<number> {
  configureProgramLogging(flags, io);
  const [endpoint, text, ...more] = args;
  if (endpoint === undefined) throw new UsageError("no endpoint to send to");
  if (more.length > 0) throw new UsageError(`one DATA at most; quote it if it holds blanks`);
  const payload = await payloadOf(text, flags, io);
  using stop = io.stop.listen();
  const target = await resolveTarget(parseEndpoint(endpoint, { scheme: "udp" }), stop.signal);
  const report = sendReport(formatEndpoint(target), { isJson: flags.json, count: flags.count }, io);
  const exchange = new DatagramExchange({
    target,
    open: () => bindSender(target, flags.bind, { context: "send" }),
    payload,
    count: flags.count,
    intervalMs: flags.interval,
    timeoutMs: flags.timeout,
    retries: flags.retries,
    matching: flags.match ?? (payload(1) === payload(2) ? "port" : "sequence"),
    hasManyReceivers: hasManyReceivers(target),
    signal: stop.signal,
    onOutcome: (outcome) => report.outcome(outcome),
  });
  await exchange.run().catch((error: unknown) => {
    throw error instanceof LimitError ? new UsageError(error.message, { cause: error }) : error;
  });
  const { lost, refused } = exchange.summary;
  const code = lost.length === 0 ? EXIT.done : refused === lost.length ? EXIT.refused : EXIT.timedOut;
  report.end(exchange.summary, code);
  stop.signal.throwIfAborted();
  return code;
}

/** The bytes by number; the same array each time where they do not depend on it. */
async function payloadOf(
  text: string | undefined,
  flags: SendFlags,
  io: ProgramIo,
): Promise<(seq: number) => Uint8Array> {
  const given = [text, flags.hex, flags.file].filter((source) => source !== undefined);
  if (given.length > 1) throw new UsageError("DATA, --hex and --file exclude each other");
  if (text?.includes("{seq}")) return (seq) => utf8(text.replaceAll("{seq}", String(seq)));
  const bytes = text !== undefined
    ? utf8(text)
    : flags.hex !== undefined
    ? parseHex(flags.hex)
    : flags.file !== undefined
    ? await Deno.readFile(flags.file)
    : await readAll(io);
  return () => bytes;
}

async function readAll(io: ProgramIo): Promise<Uint8Array> {
  const sink = new ByteSink();
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await io.stdin.read(buffer); count !== null; count = await io.stdin.read(buffer)) {
    sink.append(buffer.subarray(0, count));
    // Past what one datagram carries, the send refuses it: no need to read on.
    if (sink.length > DEFAULTS.datagramBytes * 4) break;
  }
  return sink.take();
}
