import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import { type FlagTable, inGroup } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { defineCommand } from "../../cli/command.ts";
import { DeadlineTimer } from "../../net/deadline_timer.ts";
import { type Endpoint, isWebSocket, parseEndpoint } from "../../net/endpoint.ts";
import { leave } from "../../websocket/close_frame.ts";
import { OutputFile } from "../output_file.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { endpointArgument } from "../arguments.ts";
import { rejectCrLf, talk, TALK_FLAGS } from "./connect/talk.ts";
import { dial, DIAL_FLAGS } from "./dial.ts";
import { readsVariables } from "./handshake_flags.ts";
import { rejectInapplicableFlags } from "./client_flags.ts";
import { tlsEndpoint } from "./tls_flags.ts";

const FLAGS = {
  waitReply: {
    type: "duration",
    default: formatDuration(DEFAULTS.replyTimeoutMs),
    help: "after one side ends, wait TIME after the last byte",
  },
  noHalfClose: { type: "boolean", help: "keep our side open at the end of input; silence ends the reply" },
  idleTimeout: { type: "duration", help: "end if nothing is sent or received for TIME" },
  ...TALK_FLAGS,
  ...inGroup("WebSocket", {
    ping: { type: "duration", help: "ping the server every TIME, and print the round-trip times on standard error" },
  }),
  ...DIAL_FLAGS,
} as const satisfies FlagTable;

/** `parley-client connect`. */
export const connectCommand = defineCommand({
  usage: "ENDPOINT [-- COMMAND]",
  examples: [
    { words: "connect tcp://127.0.0.1:8888 < request > reply", does: "send a file, save everything that is received" },
    { words: "connect --crlf mail.internal:25", does: "send CR LF line ends, as for SMTP and HTTP" },
    { words: "connect db:9999 -- ./worker", does: "join a program instead of standard input and output" },
    { words: "connect --record talk.jsonl unix:/run/app.sock", does: "record the session" },
  ],
  flags: FLAGS,
  readsEnvironment: readsVariables,
  takesCommand: true,
  notes: [
    "The end of input half-closes and waits for the server's end, at most --wait-reply after the last byte. A server",
    "that never ends the connection gives exit code 5, even if it has replied.",
    "With framing and over WebSocket each line of input is a message, and each message is printed as a line.",
    "WebSocket has no end of one side alone: there an answer is over when nothing came for --wait-reply (0); none is 5.",
    "Through a proxy it is the same at first, as many lose the reply when one side ends; without an answer our side ends.",
    "With -- COMMAND a program takes the place of standard input and output (PARLEY_ENDPOINT, PARLEY_HOST and PARLEY_PORT",
    "are set), and the exit code is the program's unless the connection fails.",
  ].join("\n"),
  async run({ flags, args, given, childCommand, io }) {
    configureProgramLogging(flags, io);
    const endpoint = endpointArgument(args);
    const target = tlsEndpoint(parseEndpoint(endpoint), flags);
    rejectInapplicableFlags(given, [target]);
    if (childCommand.length > 0 && flags.receiveOnly) {
      throw new UsageError("--receive-only and a command cannot be combined");
    }
    if (flags.crlf) rejectCrLf(flags, target);
    if (flags.noHalfClose) rejectNoHalfClose(flags.receiveOnly, target);
    using file = flags.record === undefined ? undefined : OutputFile.open(flags.record, "the recording");
    using stop = io.stop.listen();
    using deadlineTimer = DeadlineTimer.for([flags.ping]);
    const session = await dial(endpoint, flags, {
      context: "connect",
      // The pipe has its own stall detection, which ignores delays caused by a slow stdout.
      writeTimeout: "365d",
      signal: stop.signal,
      ...(flags.ping === undefined ? {} : {
        pings: { deadlineTimer, interval: flags.ping, timeout: DEFAULTS.pongTimeoutMs },
        onRoundTrip: (ms) => io.stderr.write(`parley-client: ping ${ms.toFixed(2)}ms\n`),
      }),
    });
    try {
      const options = {
        waitReplyMs: flags.waitReply,
        waitInputMs: flags.waitReply,
        idleMs: flags.idleTimeout,
        isProxied: flags.proxy.length > 0,
        isHalfCloseOff: flags.noHalfClose,
        file,
        role: "client",
        signal: stop.signal,
      } as const;
      if (childCommand.length === 0) return await talk(session, flags, { ...options, io });
      const { withProgram } = await import("./connect/program.ts");
      const program = { words: childCommand, remote: session.remote, waitMs: flags.waitReply };
      return await withProgram(
        io,
        program,
        ({ signal, ...streams }) =>
          talk(session, flags, { ...options, ...streams, signal: AbortSignal.any([stop.signal, signal]) }),
      );
    } finally {
      await leave(session);
    }
  },
});

/** Rejects --no-half-close where there is no half-close. */
function rejectNoHalfClose(isReceiveOnly: boolean, target: Endpoint): void {
  if (isReceiveOnly) throw new UsageError("--no-half-close and --receive-only cannot be combined");
  if (isWebSocket(target)) throw new UsageError("--no-half-close cannot be used with WebSocket: it has no half-close");
}
