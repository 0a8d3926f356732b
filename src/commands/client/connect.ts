import { hexDump } from "../../base/bytes.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import type { ProgramIo } from "../../cli/io.ts";
import { safeText } from "../../cli/safe_text.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import type { Message, Session } from "../../session/session.ts";
import { OutputFile } from "../output_file.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { inputCutter, type InputOptions, lineMessage, type Outgoing } from "./connect/input.ts";
import { pipe } from "./connect/pipe.ts";
import { Recorder } from "../../script/recorder.ts";
import { converse } from "./connect/terminal.ts";
import { leave } from "../../websocket/close_frame.ts";
import { endpointArgument } from "./arguments.ts";
import { dial, DIAL_FLAGS, isByLine, MESSAGE_TYPE_FLAGS, messageType } from "./dial.ts";
import { isWebSocket, refuseIdleFlags } from "./idle_flags.ts";
import { ReplyPrinter } from "./reply_printer.ts";
import { tlsEndpoint } from "./tls_flags.ts";
import { readsProxyVariables } from "./route_flags.ts";

const FLAGS = {
  waitReply: {
    type: "duration",
    default: formatDuration(DEFAULTS.replyTimeoutMs),
    help: "after one side ends, wait TIME after the last byte",
  },
  crlf: { type: "boolean", help: "send line ends as CR LF (raw and --framing line)" },
  hex: { type: "boolean", help: "read and print hexadecimal digits" },
  record: { type: "text", placeholder: "FILE", help: "record both directions in FILE, for replay" },
  ...MESSAGE_TYPE_FLAGS,
  ...DIAL_FLAGS,
} as const satisfies FlagTable;

type ConnectFlags = FlagValues<typeof FLAGS>;

/** `parley-client connect`. */
export const connectCommand = defineCommand({
  usage: "ENDPOINT",
  examples: [
    { words: "connect tcp://127.0.0.1:8888 < request > reply", does: "send a file, keep all that comes back" },
    { words: "connect --crlf mail.internal:25", does: "line ends as SMTP and HTTP want them" },
    { words: "connect --record talk.jsonl unix:/run/app.sock", does: "keep what was said" },
  ],
  flags: FLAGS,
  readsEnvironment: readsProxyVariables,
  notes: [
    "The end of input ends our side and waits for the server's end, at most --wait-reply after the last byte: a server",
    "that answers late is heard, one that never ends gives exit code 5, even where it has answered.",
    "With framing and over WebSocket each line of input is a message, and each message is printed as a line.",
    "WebSocket has no end of one side alone: there an answer is over when nothing came for --wait-reply (0); none is 5.",
  ].join("\n"),
  async run({ flags, args, given, io }) {
    configureProgramLogging(flags, io);
    const endpoint = endpointArgument(args);
    const target = tlsEndpoint(parseEndpoint(endpoint), flags);
    refuseIdleFlags(given, [target]);
    if (flags.crlf) rejectCrLf(flags, target);
    using file = flags.record === undefined ? undefined : OutputFile.open(flags.record, "the recording");
    using stop = io.stop.listen();
    const session = await dial(endpoint, flags, {
      context: "connect",
      // The pipe has a watch of its own, which knows when it is our own reader that holds things up.
      writeTimeout: "365d",
      signal: stop.signal,
    });
    try {
      return await talk(session, flags, { io, file, signal: stop.signal });
    } finally {
      await leave(session);
    }
  },
});

/** Where lines are separators, or not sent as they are, there is no line end to change. */
function rejectCrLf({ hex, framing = "raw" }: ConnectFlags, target: Endpoint): void {
  if (hex) throw new UsageError("--crlf and --hex cannot be combined");
  if (isWebSocket(target)) throw new UsageError("--crlf cannot be used with WebSocket: its messages have no line ends");
  if (framing !== "raw" && framing !== "line") {
    throw new UsageError(`--crlf cannot be used with --framing ${framing}: its messages have no line ends`);
  }
}

async function talk(
  session: Session,
  flags: ConnectFlags,
  { io, file, signal }: { io: ProgramIo; file: OutputFile | undefined; signal: AbortSignal },
): Promise<number> {
  const isByHand = io.stdin.isTerminal && io.stdout.isTerminal;
  const recorder = file && recorderOf(file, flags, session);
  const hooks = {
    waitReplyMs: flags.waitReply,
    onSent: (message: Outgoing) => recorder?.data("client", message),
    onReceived: (message: Message) => recorder?.data("server", message),
    onEnd: (side: "client" | "server") => recorder?.end(side),
  };
  const input = inputOptions(flags, session, isByHand);
  if (isByHand) {
    const show = showOf(flags, session);
    return await converse(
      session,
      io,
      { ...hooks, messageOf: (line) => lineMessage(line, input), show },
      signal,
    );
  }
  const printer = new ReplyPrinter(io.stdout, { isHex: flags.hex, isByLine: isByLine(session, flags) });
  const render = (message: Message) => printer.render(message);
  await pipe(session, io, {
    ...hooks,
    cutter: inputCutter(input),
    render,
    stallMs: DEFAULTS.writeTimeoutMs,
    signal,
  });
  return EXIT.done;
}

function recorderOf(file: OutputFile, flags: ConnectFlags, session: Session): Recorder {
  return new Recorder(file, session.kind, {
    endpoint: formatEndpoint(session.remote),
    framing: flags.framing ?? "raw",
  });
}

function inputOptions(flags: ConnectFlags, session: Session, isByHand: boolean): InputOptions {
  const isFramed = isByLine(session, flags);
  return {
    isByLine: isByHand || isFramed || flags.hex,
    isHex: flags.hex,
    isCrLf: flags.crlf,
    lineEnds: isFramed ? flags.framing === "line" && session.kind === "stream" ? "keep CR" : "drop" : "keep",
    // A line that is typed is text, unless it says bytes.
    isText: session.kind === "websocket" ? messageType(flags) ?? (isFramed && !flags.hex) : false,
  };
}

function showOf(flags: ConnectFlags, session: Session): (message: Message) => string {
  if (flags.hex) return ({ data }) => hexDump(data).map((line) => `${line}\n`).join("");
  const decoder = new TextDecoder();
  if (isByLine(session, flags)) return ({ data }) => `${safeText(decoder.decode(data))}\n`;
  return ({ data }) => safeText(decoder.decode(data, { stream: true }));
}
