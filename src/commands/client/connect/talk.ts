import { hexDump } from "../../../base/bytes.ts";
import { DEFAULTS } from "../../../base/defaults.ts";
import { UsageError } from "../../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../../base/flag_spec.ts";
import { EXIT } from "../../../cli/exit_codes.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { safeText } from "../../../cli/safe_text.ts";
import { type Endpoint, formatEndpoint, isWebSocket } from "../../../net/endpoint.ts";
import { type Recorder, RecordingFile } from "../../../script/recorder.ts";
import type { Message, Session } from "../../../session/session.ts";
import type { OutputFile } from "../../output_file.ts";
import { isByLine, MESSAGE_TYPE_FLAGS, messageType } from "../dial.ts";
import { ReplyPrinter } from "../reply_printer.ts";
import { type InputOptions, inputSplitter, lineMessage, type Outgoing } from "./input.ts";
import { pipe } from "./pipe.ts";
import { runTerminal } from "./terminal.ts";

/** Flags of the commands that join a session to standard input and output. */
export const TALK_FLAGS = {
  crlf: { type: "boolean", help: "send line ends as CR LF (raw and --framing line)" },
  hex: { type: "boolean", help: "read and print hexadecimal digits" },
  receiveOnly: { type: "boolean", help: "do not read standard input; keep our side open until the peer ends" },
  record: { type: "text", placeholder: "FILE", help: "record both directions in FILE, for replay" },
  ...MESSAGE_TYPE_FLAGS,
} as const satisfies FlagTable;

type TalkFlags = FlagValues<typeof TALK_FLAGS> & { readonly framing: string | undefined };

/** Rejects --crlf where no line ends are sent. */
export function rejectCrLf({ hex, receiveOnly, framing = "raw" }: TalkFlags, target: Endpoint): void {
  if (receiveOnly) throw new UsageError("--crlf and --receive-only cannot be combined");
  if (hex) throw new UsageError("--crlf and --hex cannot be combined");
  if (isWebSocket(target)) throw new UsageError("--crlf cannot be used with WebSocket: its messages have no line ends");
  if (framing !== "raw" && framing !== "line") {
    throw new UsageError(`--crlf cannot be used with --framing ${framing}: its messages have no line ends`);
  }
}

/** Options for joining a session to standard input and output, besides the flags. */
interface TalkOptions {
  readonly io: ProgramIo;
  /** The recorder. */
  readonly file: OutputFile | undefined;
  /** The side of this program. */
  readonly role: "client" | "server";
  /** See `PipeOptions`. */
  readonly waitReplyMs: number;
  /** See `PipeOptions`. */
  readonly waitInputMs: number;
  /** See `PipeOptions`. */
  readonly idleMs: number | undefined;
  /** Aborts with its reason. */
  readonly signal: AbortSignal;
  /** Whether the session uses a proxy. */
  readonly isProxied?: boolean;
  /** See `PipeOptions`. */
  readonly isHalfCloseOff?: boolean;
  /** See `PipeOptions`. */
  readonly isInputKept?: boolean;
  /** See `PipeOptions`. */
  readonly onEnd?: (side: "own" | "peer") => void;
}

/**
 * Joins a session to standard input and output: interactively if both are a terminal, otherwise as a pipe. Returns the
 * exit code.
 */
export async function talk(session: Session, flags: TalkFlags, options: TalkOptions): Promise<number> {
  const { io, file, role, signal } = options;
  const peer = role === "client" ? "server" : "client";
  const isByHand = io.stdin.isTerminal && io.stdout.isTerminal && !flags.receiveOnly;
  const recorder = file && recorderOf(file, flags, session);
  const hooks = {
    waitReplyMs: options.waitReplyMs,
    idleMs: options.idleMs,
    onSent: (message: Outgoing) => recorder?.data(role, message),
    onReceived: (message: Message) => recorder?.data(peer, message),
    onEnd: (side: "own" | "peer") => {
      recorder?.end(side === "own" ? role : peer);
      options.onEnd?.(side);
    },
  };
  const input = inputOptions(flags, session, isByHand);
  if (isByHand) {
    const show = showOf(flags, session);
    return await runTerminal(
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
    splitter: inputSplitter(input),
    render,
    waitInputMs: options.waitInputMs,
    isServer: role === "server",
    isProxied: options.isProxied,
    isHalfCloseOff: options.isHalfCloseOff,
    isInputKept: options.isInputKept,
    isReceiveOnly: flags.receiveOnly,
    stallMs: DEFAULTS.writeTimeoutMs,
    signal,
  });
  return EXIT.done;
}

function recorderOf(file: OutputFile, flags: TalkFlags, session: Session): Recorder {
  return new RecordingFile(file, {
    endpoint: formatEndpoint(session.remote),
    framing: flags.framing ?? "raw",
  }).connection(session.kind);
}

function inputOptions(flags: TalkFlags, session: Session, isByHand: boolean): InputOptions {
  const isFramed = isByLine(session, flags);
  return {
    isByLine: isByHand || isFramed || flags.hex,
    isHex: flags.hex,
    isCrLf: flags.crlf,
    lineEnds: isFramed ? flags.framing === "line" && session.kind === "stream" ? "keep CR" : "drop" : "keep",
    // A typed line is text unless it is hexadecimal.
    isText: session.kind === "websocket" ? messageType(flags) ?? (isFramed && !flags.hex) : false,
  };
}

function showOf(flags: TalkFlags, session: Session): (message: Message) => string {
  if (flags.hex) return ({ data }) => hexDump(data).map((line) => `${line}\n`).join("");
  const decoder = new TextDecoder();
  if (isByLine(session, flags)) return ({ data }) => `${safeText(decoder.decode(data))}\n`;
  return ({ data }) => safeText(decoder.decode(data, { stream: true }));
}
