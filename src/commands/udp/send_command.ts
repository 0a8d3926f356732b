import { LimitError, UsageError } from "../../base/errors.ts";
import { isMulticast } from "../../base/ip.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { DatagramExchange } from "../../datagram/exchange.ts";
import type { ReplyCorrelation } from "../../datagram/reply_matcher.ts";
import { bindSender, hasManyReceivers, resolveTarget } from "../../datagram/sender.ts";
import type { BindOptions } from "../../net/options.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { interfaceIndex } from "../../net/multicast.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { payloadOf, SEND_FLAGS, type SendFlags } from "./send/flags.ts";
import { sendReport, Verdict } from "./send/report.ts";
import { senderDialerOf } from "./shared_flags.ts";

/** `parley-udp send`. */
export const sendCommand: Command = defineCommand({
  usage: "ENDPOINT [DATA]",
  examples: [
    { words: "send :5000 'ping {seq}' --count 100", does: "send numbered datagrams, then print a summary" },
    { words: "send :5000 --hex 01ff --retries 5 --timeout 200ms", does: "send bytes, up to six times" },
    { words: "send :8125 --lines --one-way < metrics", does: "send each line as one datagram" },
    { words: "send :5000 ping --expect pong", does: "exit 1 on another reply" },
    { words: "send udp://239.0.0.7:5000 hi --one-way", does: "send to a multicast group; do not wait for replies" },
  ],
  flags: SEND_FLAGS,
  notes: [
    "{seq} in DATA is replaced by the datagram's number, from 1; \\n, \\t, \\xHH and other C escapes are interpreted.",
    "Without DATA, --hex and --file, standard input is sent as one datagram, or with --lines line by line as it comes.",
    "--match port: each datagram has a local port of its own. --match sequence: the reply contains the datagram's",
    "number. --match content: the reply equals the datagram, upper or lower case.",
    "For a multicast group or a broadcast address, all replies within --timeout count. For IPv6 groups, --interface and",
    "--ttl need --allow-ffi.",
    "The exit code is 5 if a datagram got no reply, and 4 if the port is closed. A closed port can be detected on this",
    "machine only, and not below 1024 without privileges; otherwise it looks like silence.",
  ].join("\n"),
  run: ({ flags, args, io }) => send(flags, args, io),
});

async function send(flags: SendFlags, args: readonly string[], io: ProgramIo): Promise<number> {
  configureProgramLogging(flags, io);
  const [endpoint, text, ...more] = args;
  if (endpoint === undefined) throw new UsageError("the endpoint is missing");
  if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}"; quote DATA that contains spaces`);
  const verdict = new Verdict(flags);
  const payload = await payloadOf(text, flags, io);
  using stop = io.stop.listen();
  const dialer = await senderDialerOf(flags);
  const target = await resolveTarget(endpoint, stop.signal, dialer);
  const count = flags.lines ? Infinity : flags.count;
  const isToGroup = hasManyReceivers(target);
  const exchange = new DatagramExchange({
    target,
    open: () =>
      bindSender(target, flags.bind ?? localOf(flags.interface), {
        context: "send",
        dialer,
        signal: stop.signal,
        loopback: flags.loopback === "on",
        ...groupOptionsOf(flags, target),
      }),
    payload: (seq) => payload.bytesOf(seq),
    count,
    intervalMs: flags.interval,
    timeoutMs: flags.expectSilence ?? flags.timeout,
    retries: flags.retries,
    correlation: correlationOf(flags, payload.isNumbered),
    hasManyReceivers: isToGroup,
    isOneWay: flags.oneWay,
    signal: stop.signal,
    onOutcome: (outcome): Promise<void> => report.outcome(outcome, verdict.judge(outcome)),
  });
  const report = sendReport(formatEndpoint(target), {
    isJson: flags.json,
    count,
    isSilenceExpected: flags.expectSilence !== undefined,
    unexpectedSenders: exchange.summary.unexpectedSenders,
  }, io);
  await exchange.run().catch((error: unknown) => {
    throw error instanceof LimitError ? new UsageError(error.message, { cause: error }) : error;
  });
  if (flags.lines && !flags.oneWay && exchange.summary.sent === 0 && stop.exitCode === undefined) {
    throw new UsageError("standard input has no line to send");
  }
  const code = stop.exitCode ?? verdict.exitCode(exchange.summary);
  await report.end(exchange.summary, code);
  return code;
}

function correlationOf({ bind, count, match }: SendFlags, isNumbered: boolean): ReplyCorrelation {
  const isOneSocket = bind !== undefined && count > 1 && !isAnyPort(bind);
  if (match === "port" && isOneSocket) {
    throw new UsageError("--match port needs a local port for each datagram; use --bind with port 0");
  }
  return match ?? (isNumbered ? "sequence" : isOneSocket ? "content" : "port");
}

function isAnyPort(bind: string): boolean {
  const endpoint = parseEndpoint(bind, { scheme: "udp", port: 0 });
  return isHostEndpoint(endpoint) && endpoint.port === 0;
}

/** TTL and interface of datagrams to a group: for IPv4 through a membership, for IPv6 through the C library. */
export function groupOptionsOf(
  { ttl, interface: name }: Pick<SendFlags, "ttl" | "interface">,
  target: Endpoint,
): BindOptions {
  if (ttl === undefined && name === undefined) return {};
  if (!isHostEndpoint(target) || !isMulticast(target.host)) {
    throw new UsageError(
      `--${ttl === undefined ? "interface" : "ttl"} applies to multicast groups only, for example udp://239.0.0.7:5000`,
    );
  }
  if (target.host.includes(":")) {
    const multicastInterface = name === undefined ? undefined : interfaceIndex(name, target.host);
    return { socketOptions: { multicastHops: ttl, multicastInterface } };
  }
  return {
    ...ttl === undefined ? {} : { ttl, groups: [target.host] },
    ...name === undefined ? {} : { interface: name },
  };
}

/** A socket bound to an IPv4 interface's address sends to groups on that interface. */
function localOf(name: string | undefined): string | undefined {
  return name?.includes(".") ? `udp://${name}:0` : undefined;
}
