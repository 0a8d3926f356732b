import { utf8 } from "../../base/bytes.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { UsageError } from "../../base/errors.ts";
import type { FlagTable, FlagValues } from "../../base/flag_spec.ts";
import { formatDuration } from "../../base/units.ts";
import { defineCommand } from "../../cli/command.ts";
import { EXIT } from "../../cli/exit_codes.ts";
import { dialSession } from "../../serve/dial_session.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { codecOf, CONNECTION_FLAGS } from "./client_flags.ts";
import { inputCutter } from "./connect/input.ts";
import { pipe } from "./connect/pipe.ts";

const FLAGS = {
  waitReply: {
    type: "duration",
    default: formatDuration(DEFAULTS.replyTimeoutMs),
    help: "once one side has ended, wait TIME after the last byte for the other",
  },
  crlf: { type: "boolean", help: "send each line end as CR LF" },
  ...CONNECTION_FLAGS,
} as const satisfies FlagTable;

/** `parley-client connect`. */
export const connectCommand = defineCommand({
  name: "connect",
  summary: "talk to a server: a pipe, or by hand on a terminal",
  usage: "ENDPOINT",
  examples: [
    { words: "connect 127.0.0.1:8888", does: "type lines, see replies; quit or Ctrl-D ends" },
    { words: "connect tcp://127.0.0.1:8888 < request > reply", does: "send a file, keep all that comes back" },
    { words: "connect --crlf mail.internal:25", does: "line ends as SMTP and HTTP want them" },
  ],
  flags: FLAGS,
  async run({ flags, args, io }) {
    configureProgramLogging(flags, io);
    const [endpoint, ...more] = args;
    if (endpoint === undefined) throw new UsageError("no endpoint to connect to");
    if (more.length > 0) throw new UsageError(`connect takes one endpoint; "${more[0]}" is one more`);
    const session = await dialSession(endpoint, codecOf(flags), {
      context: "connect",
      connectTimeout: flags.connectTimeout,
      // The pipe has a watch of its own, which knows when it is our own reader that holds things up.
      writeTimeout: Number.MAX_SAFE_INTEGER,
    });
    await pipe(session, io, pipeOptions(flags));
    return EXIT.done;
  },
});

function pipeOptions(flags: FlagValues<typeof FLAGS>) {
  const isFramed = flags.framing !== undefined && flags.framing !== "raw";
  const lineEnd = utf8("\n");
  return {
    cutter: inputCutter({ isByLine: isFramed, isHex: false, isCrLf: flags.crlf, keepsLineEnd: false }),
    render: ({ data }: { data: Uint8Array }) => {
      if (!isFramed) return data;
      const line = new Uint8Array(data.length + 1);
      line.set(data);
      line.set(lineEnd, data.length);
      return line;
    },
    waitReplyMs: flags.waitReply,
    stallMs: DEFAULTS.writeTimeoutMs,
  };
}
