import { LimitError, UsageError } from "../../base/errors.ts";
import { isMulticast } from "../../base/ip.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { DatagramExchange } from "../../datagram/exchange.ts";
import type { Matching } from "../../datagram/matching.ts";
import { bindSender, hasManyReceivers, resolveTarget } from "../../datagram/sender.ts";
import type { BindOptions } from "../../factory.ts";
import { type Endpoint, formatEndpoint, isHostEndpoint } from "../../net/endpoint.ts";
import { interfaceIndex } from "../../net/multicast.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { SEND_FLAGS, type SendFlags } from "./send/flags.ts";
import { payloadOf } from "./send/payload.ts";
import { sendReport } from "./send/report.ts";
import { Verdict } from "./send/verdict.ts";

/** `parley-udp send`. */
export const sendCommand: Command = defineCommand({
  usage: "ENDPOINT [DATA]",
  examples: [
    { words: "send :5000 'ping {seq}' --count 100", does: "numbered datagrams, then a summary" },
    { words: "send :5000 --hex 01ff --retries 5 --timeout 200ms", does: "bytes, tried up to six times" },
    { words: "send :5000 ping --expect pong", does: "exit 1 where the reply is another" },
    { words: "send udp://239.0.0.7:5000 hi --one-way", does: "to a multicast group, without waiting for replies" },
  ],
  flags: SEND_FLAGS,
  notes: [
    "{seq} in DATA stands for the number of the datagram, from 1; \\n, \\t, \\xHH and other C escapes are known.",
    "Without DATA, --hex or --file, what comes on standard input is sent as one datagram.",
    "A reply is matched by port (each waiting datagram has a local port of its own), by sequence (the first number",
    "in it that is one of a waiting datagram) or by content (it is the datagram, upper or lower case).",
    "A multicast group or a broadcast address may have many answers: all that come in time are taken.",
    "The exit code is 5 where a datagram got no reply, 4 where each of those found the port closed. Whether a port",
    "is closed can be told for addresses of this machine only; elsewhere it looks like silence.",
  ].join("\n"),
  run: ({ flags, args, io }) => send(flags, args, io),
});

async function send(flags: SendFlags, args: readonly string[], io: ProgramIo): Promise<number> {
  configureProgramLogging(flags, io);
  const [endpoint, text, ...more] = args;
  if (endpoint === undefined) throw new UsageError("no endpoint to send to");
  if (more.length > 0) throw new UsageError("one DATA at most; quote it if it holds blanks");
  const verdict = new Verdict(flags);
  const payload = await payloadOf(text, flags, io);
  using stop = io.stop.listen();
  const target = await resolveTarget(endpoint, stop.signal);
  const isToGroup = hasManyReceivers(target);
  const isSilenceExpected = flags.expectSilence !== undefined;
  const report = sendReport(formatEndpoint(target), { isJson: flags.json, count: flags.count, isSilenceExpected }, io);
  const exchange = new DatagramExchange({
    target,
    open: () =>
      bindSender(target, flags.bind ?? localOf(flags.interface), {
        context: "send",
        loopback: flags.loopback === "on",
        ...groupOptionsOf(flags, target),
      }),
    payload: (seq) => payload.bytesOf(seq),
    count: flags.count,
    intervalMs: flags.interval,
    timeoutMs: flags.expectSilence ?? flags.timeout,
    retries: flags.retries,
    matching: flags.match ?? matchingFor(flags, payload.isNumbered),
    hasManyReceivers: isToGroup,
    isOneWay: flags.oneWay,
    signal: stop.signal,
    onOutcome: (outcome) => report.outcome(outcome, verdict.judge(outcome)),
  });
  await exchange.run().catch((error: unknown) => {
    throw error instanceof LimitError ? new UsageError(error.message, { cause: error }) : error;
  });
  const code = stop.exitCode ?? verdict.exitCode(exchange.summary);
  report.end(exchange.summary, code);
  return code;
}

/** One local port given by the user is one socket. */
function matchingFor({ bind, count }: SendFlags, isNumbered: boolean): Matching {
  if (isNumbered) return "sequence";
  return bind !== undefined && count > 1 ? "content" : "port";
}

/** How datagrams to a group leave: the runtime sets it for IPv4, by way of a membership; the C library for IPv6. */
function groupOptionsOf({ ttl, interface: name }: SendFlags, target: Endpoint): BindOptions {
  if (ttl === undefined && name === undefined) return {};
  if (!isHostEndpoint(target) || !isMulticast(target.host)) {
    throw new UsageError(`--${ttl === undefined ? "interface" : "ttl"} is for multicast groups: udp://239.0.0.7:5000`);
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

/** A socket that is bound to an IPv4 interface's address sends to groups by that interface. */
function localOf(name: string | undefined): string | undefined {
  return name?.includes(".") ? `udp://${name}:0` : undefined;
}
