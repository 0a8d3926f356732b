import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { defineCommand } from "../../cli/command.ts";
import { isWebSocket, parseEndpoint } from "../../net/endpoint.ts";
import { configureProgramLogging } from "../program_logging.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import { dial, DIAL_FLAGS } from "./dial.ts";
import { readsVariables } from "./handshake_flags.ts";
import { exchangeOnCommandLine } from "./exchange_command.ts";
import { rejectInapplicableFlags } from "./client_flags.ts";
import { parseRecording, type Recording } from "../../script/recording.ts";
import { isMessageWise } from "../../script/exchange.ts";
import { replaySteps } from "../../script/replay_steps.ts";
import { tlsEndpoint } from "./tls_flags.ts";

const FLAGS = {
  timed: { type: "boolean", help: "keep the pauses of the recording" },
  ignoreReplies: { type: "boolean", help: "accept replies that differ from the recording" },
  timeout: { type: "duration", default: "5s", help: "maximum time for each reply" },
  quiet: { type: "boolean", short: "q", help: "do not print replies" },
  json: { type: "boolean", help: "print one JSON object" },
  ...DIAL_FLAGS,
} as const satisfies FlagTable;

/** `parley-client replay`. */
export const replayCommand = defineCommand({
  usage: "FILE ENDPOINT",
  examples: [
    { words: "replay --timed --ignore-replies talk.jsonl :8443", does: "only send, with the original pauses" },
  ],
  flags: FLAGS,
  readsEnvironment: readsVariables,
  notes: "Each recorded message is sent after the replies that preceded it. Requires permission to read FILE.",
  async run({ flags, args, given, io }) {
    configureProgramLogging(flags, io);
    const [file, endpoint, ...more] = args;
    if (file === undefined || endpoint === undefined || more.length > 0) {
      throw new UsageError("expected a file and an endpoint");
    }
    const target = tlsEndpoint(parseEndpoint(endpoint), flags);
    rejectInapplicableFlags(given, [target]);
    const recording = parseRecording(await readNamedFile(file, "the recording"), file);
    const gap = gapIn(recording, { ignoresReplies: flags.ignoreReplies, canHalfClose: !isWebSocket(target) });
    if (gap !== undefined) throw new UsageError(`Cannot replay ${file}: ${gap}, so a replay proves nothing`);
    using stop = io.stop.listen();
    const { framing } = recording.head;
    const dialFlags = { ...flags, framing: flags.framing ?? (framing === "raw" ? undefined : framing) };
    const session = await dial(endpoint, dialFlags, { context: "replay", signal: stop.signal });
    const steps = replaySteps(recording.events, {
      isMessageWise: isMessageWise(session),
      framing,
      canHalfClose: session.kind !== "websocket",
      isTimed: flags.timed,
      ignoresReplies: flags.ignoreReplies,
    });
    return await exchangeOnCommandLine(session, steps, { ...dialFlags, hex: false }, io, stop.signal);
  },
});

/** What the recording lacks for its replay to be meaningful. */
function gapIn(
  { events }: Recording,
  { ignoresReplies, canHalfClose }: { ignoresReplies: boolean; canHalfClose: boolean },
): string | undefined {
  if (ignoresReplies) {
    return events.some(({ from, data }) => from === "client" && data !== undefined) ? undefined : "it sends nothing";
  }
  const isCompared = events.some(({ from, data }) => from === "server" && (data !== undefined || canHalfClose));
  return isCompared ? undefined : "it contains no reply (--ignore-replies only sends)";
}
