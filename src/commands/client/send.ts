import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { type CommandDefinition, defineCommand } from "../../cli/command.ts";
import { parseEndpoint } from "../../net/endpoint.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { dial, DIAL_FLAGS, MESSAGE_TYPE_FLAGS, messageType } from "./dial.ts";
import { readsVariables } from "./handshake_flags.ts";
import { exchangeOnCommandLine } from "./exchange_command.ts";
import { rejectInapplicableFlags } from "./client_flags.ts";
import { firstStep } from "./send/first_step.ts";
import { stepsOf } from "./send/steps.ts";
import { tlsEndpoint } from "./tls_flags.ts";

const FLAGS = {
  expect: { type: "text", repeat: true, help: "wait for TEXT" },
  expectRegex: { type: "text", placeholder: "REGEX", repeat: true, help: "wait for a match of REGEX" },
  expectBytes: { type: "text", placeholder: "HEX", repeat: true, help: "wait for these bytes" },
  expectType: {
    type: "choice",
    choices: ["text", "binary"],
    repeat: true,
    help: "expected WebSocket message type",
  },
  expectClose: {
    type: "integer",
    optional: true,
    min: 1000,
    max: 4999,
    placeholder: "CODE",
    help: "wait for the close, with this WebSocket code",
  },
  expectReset: { type: "boolean", help: "wait for the server to reset the connection" },
  expectSilence: { type: "duration", repeat: true, help: "expect no data for TIME" },
  then: {
    type: "text",
    allowsEmpty: true,
    placeholder: "DATA",
    repeat: true,
    help: "send DATA next",
  },
  end: { type: "boolean", help: "then half-close (not over WebSocket)" },
  hex: { type: "boolean", help: "read and print hexadecimal digits" },
  literal: { type: "boolean", help: "do not interpret escapes such as \\n" },
  file: { type: "text", placeholder: "FILE", help: "send the content of FILE" },
  timeout: { type: "duration", default: "5s", help: "time per expectation, or until a reply" },
  quiet: { type: "boolean", short: "q", help: "do not print replies" },
  wait: { type: "duration", help: "silence that ends a raw reply (default 250ms; after --end, the close)" },
  noReply: { type: "boolean", help: "do not wait for a reply" },
  json: { type: "boolean", help: "print one JSON object" },
  ...MESSAGE_TYPE_FLAGS,
  ...DIAL_FLAGS,
} as const satisfies FlagTable;

/** Silence that ends a raw reply, by default. */
const QUIET_MS = 250;

/** `parley-client send`. */
export const sendCommand = defineCommand({
  usage: "ENDPOINT [DATA]",
  examples: [
    { words: "send 127.0.0.1:6379 'PING\\r\\n' --expect-regex '^\\+PONG'", does: "a regular expression" },
    {
      words: "send :2525 --framing 'delimiter:\\r\\n' '' --expect-regex '^220' --then 'EHLO me' --expect 250",
      does: "wait for the greeting, then send a command",
    },
    { words: "send :9000 --hex 0a0b0c --expect-bytes '0a 0b'", does: "bytes" },
    { words: "send unix:/run/app.sock --file request.bin > reply.bin", does: "send a file and save the reply" },
  ],
  flags: FLAGS,
  readsEnvironment: readsVariables,
  notes: [
    "DATA may contain \\n \\r \\t \\0 \\a \\e \\\\ and \\xHH. Without DATA and --file, standard input is sent;",
    "'' sends nothing. Over WebSocket --hex and --file send binary messages and all else text; --text and --binary decide.",
    "An expectation searches the received data after earlier matches: with framing or WebSocket",
    "within each message, otherwise in the stream. Flags count in their order: DATA, its expectations, --then, ...",
    "{1} and {name} in later DATA and TEXT are replaced by captured groups of --expect-regex.",
    "Without an expectation the reply is printed and send returns: with framing or over WebSocket after one message,",
    "otherwise when the server closes, or when nothing is received for --wait: for large replies use --end or connect.",
  ].join("\n"),
  run,
});

async function run({ flags, args, given, io }: Parameters<CommandDefinition<typeof FLAGS>["run"]>[0]): Promise<number> {
  configureProgramLogging(flags, io);
  const [endpoint, data, ...more] = args;
  if (endpoint === undefined) throw new UsageError("the endpoint is missing");
  if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}"; quote DATA, or use --then`);
  rejectInapplicableFlags(given, [tlsEndpoint(parseEndpoint(endpoint), flags)]);
  using stop = io.stop.listen();
  const style = { isHex: flags.hex, isLiteral: flags.literal, isText: messageType(flags) };
  const first = await firstStep({ data, file: flags.file, timeoutMs: flags.timeout, ...style }, io, stop.signal);
  const quietMs = flags.wait ?? QUIET_MS;
  const replies = { quietMs: flags.noReply ? undefined : quietMs, closesAfterEnd: flags.wait === undefined };
  const steps = stepsOf(given, { first, ...style, ...replies });
  // Without data there must be an expectation.
  if (steps.length === 0 && data === "" && !flags.noReply) steps.push({ kind: "reply", quietMs });
  if (steps.length === 0) throw new UsageError("nothing to send and nothing to expect");
  const session = await dial(endpoint, flags, {
    context: "send",
    writeTimeout: flags.timeout,
    signal: stop.signal,
  });
  return await exchangeOnCommandLine(session, steps, flags, io, stop.signal);
}
