import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { bindSender, resolveTarget } from "../../datagram/sender.ts";
import { delay } from "../../net/wait.ts";
import { configureProgramLogging, logFlags } from "../program_logging.ts";
import { parseRecording } from "../../script/recording.ts";
import { readNamedFile } from "../../base/read_named_file.ts";
import { SENDER_FLAGS, senderDialerOf } from "./shared_flags.ts";

const FLAGS = {
  speed: {
    type: "text",
    placeholder: "FACTOR",
    default: "1",
    help: "multiply the pace by FACTOR; 0 sends without waiting",
  },
  ...SENDER_FLAGS,
  ...logFlags("warning"),
} as const satisfies FlagTable;

/** `parley-udp replay`. */
export const replayCommand: Command = defineCommand({
  usage: "FILE ENDPOINT",
  examples: [
    { words: "replay session.jsonl :5000 --speed 10", does: "send ten times as fast" },
  ],
  flags: FLAGS,
  notes: "Does not wait for replies; arrival is not verified.",
  async run({ flags, args, io }) {
    configureProgramLogging(flags, io);
    const [file, endpoint] = args;
    if (file === undefined || endpoint === undefined || args.length > 2) {
      throw new UsageError("expected a recording and an endpoint, for example replay session.jsonl :5000");
    }
    const speed = /^\d+(?:\.\d+)?$/.test(flags.speed) ? Number(flags.speed) : NaN;
    if (Number.isNaN(speed)) {
      throw new UsageError(`--speed: Cannot use "${flags.speed}": expected a number, for example 2`);
    }
    const items = itemsOf(await readNamedFile(file, "the recording"), file);
    using stop = io.stop.listen();
    const { signal } = stop;
    const dialer = await senderDialerOf(flags);
    const target = await resolveTarget(endpoint, signal, dialer);
    await using socket = await bindSender(target, flags.bind, { context: "replay", dialer, signal });
    const startMs = performance.now();
    const firstMs = items[0]?.atMs ?? 0;
    for (const { atMs, data } of items) {
      const waitMs = speed === 0 ? 0 : (atMs - firstMs) / speed - (performance.now() - startMs);
      if (waitMs > 0) await delay(waitMs, signal);
      signal.throwIfAborted();
      await socket.send(data, target);
    }
    io.stderr.write(`${items.length} sent in ${Math.round(performance.now() - startMs)} ms\n`);
    return 0;
  },
});

/** The client's side of a recording, for example of `listen --record` or `mock --journal`. */
function itemsOf(text: string, file: string): { atMs: number; data: Uint8Array }[] {
  const events = text.trim() === "" ? [] : parseRecording(text, file).events;
  const items = events.flatMap(({ from, atMs, data }) =>
    from === "client" && data !== undefined ? [{ atMs, data }] : []
  );
  if (items.length === 0) throw new UsageError(`${file}: the recording contains no datagrams of a client`);
  return items;
}
