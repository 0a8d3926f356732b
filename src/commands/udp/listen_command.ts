import { escapeControls, hexDump, textOrHex, toJsonLine } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import type { FlagTable } from "../../base/flag_spec.ts";
import { isLoopback } from "../../base/ip.ts";
import { roundTo } from "../../base/units.ts";
import { type Command, defineCommand } from "../../cli/command.ts";
import { PrintQueue } from "../../cli/print.ts";
import { DatagramServer } from "../../datagram/server.ts";
import { Logger } from "../../log/logger.ts";
import type { Datagram, DatagramSocket } from "../../net/datagram.ts";
import { formatEndpoint, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { type Recorder, RecordingFile } from "../../script/recorder.ts";
import { openReadyFile } from "../announce_ready.ts";
import { OutputFile } from "../output_file.ts";
import { configureServerLogging } from "../server_logging.ts";
import { bindEndpoints, datagramGateOf, DEFAULT_ENDPOINT, runAnnounced, SERVE_FLAGS } from "./shared_flags.ts";

/** Senders whose numbers are known; addresses are easily forged. */
const MAX_SENDERS = 10_000;

const FLAGS = {
  group: { type: "text", repeat: true, placeholder: "ADDRESS", help: "also join this multicast group" },
  reuseAddress: { type: "boolean", help: "allow several programs to bind the address (implied for groups)" },
  hex: { type: "boolean", help: "print each datagram as a hex dump" },
  json: { type: "boolean", help: "print each datagram as one JSON object" },
  raw: { type: "boolean", help: "print the bytes of each datagram and nothing else" },
  record: { type: "text", placeholder: "FILE", help: "record datagrams in FILE, for replay and mock" },
  ...SERVE_FLAGS,
} as const satisfies FlagTable;

/** `parley-udp listen`. */
export const listenCommand: Command = defineCommand({
  usage: "[ENDPOINT...]",
  examples: [
    { words: "listen udp://239.0.0.7:5000 --interface 127.0.0.1", does: "join a multicast group on loopback" },
    { words: "listen :5000 --record session.jsonl", does: "record for parley-udp replay" },
  ],
  flags: FLAGS,
  notes: [
    `The default ENDPOINT is ${DEFAULT_ENDPOINT}. An ENDPOINT that is a multicast group is joined.`,
    "A line has time, sender, size and text. A datagram longer than --max-bytes is printed as truncated.",
  ].join("\n"),
  async run({ flags, args, io }) {
    await using _log = configureServerLogging(flags, io);
    const other = flags.hex ? "--hex" : flags.json ? "--json" : undefined;
    if (flags.raw && other !== undefined) throw new UsageError(`--raw and ${other} cannot be combined`);
    using readyFile = openReadyFile(flags.readyFile);
    using record = flags.record === undefined ? undefined : OutputFile.open(flags.record, "the recording");
    const { group: groups, reuseAddress } = flags;
    if (groups.length > 0) rejectLoopback(args);
    using stop = io.stop.listen();
    await using owner = new AsyncDisposableStack();
    const sockets = await bindEndpoints(args, flags, { owner, context: "listen", groups, reuseAddress });
    const recorder = record && recorderOf(record, sockets.map(({ endpoint }) => formatEndpoint(endpoint)).join(","));
    const startMs = performance.now();
    const output = new PrintQueue(io);
    const print = (datagram: Datagram, socket: DatagramSocket) => {
      const { data, from, isTruncated } = datagram;
      recorder?.(datagram);
      if (flags.raw) return output.print(data.slice());
      const line = flags.json
        ? toJsonLine({
          time: new Date().toISOString(),
          atMs: roundTo(performance.now() - startMs, 3),
          from: from && formatEndpoint(from),
          to: formatEndpoint(socket.endpoint),
          size: data.length,
          isTruncated,
          ...textOrHex(data),
        })
        : `${textOf(datagram, flags.hex)}\n`;
      output.print(line);
    };
    const server = new DatagramServer({
      service: { takesTruncated: true, onDatagram: (datagram, socket) => void print(datagram, socket) },
      sockets,
      log: Logger.of("listen"),
      maxDatagrams: flags.maxDatagrams,
      gate: datagramGateOf(flags),
      heldBy: () => output.held,
    });
    const sources = { service: "listen", flows: [{ counts: server.counts }] };
    const ending = AbortSignal.any([stop.signal, output.failed]);
    await runAnnounced(() => server.run(ending), { sockets, sources, flags, readyFile, owner, io });
    await output.end();
    return 0;
  },
});

/** A socket that is bound to a loopback address receives nothing that is sent to a group. */
function rejectLoopback(endpoints: readonly string[]): void {
  for (const text of endpoints.length > 0 ? endpoints : [DEFAULT_ENDPOINT]) {
    const endpoint = parseEndpoint(text, { scheme: "udp" });
    if (!isHostEndpoint(endpoint) || !isLoopback(endpoint.host) && endpoint.host !== "localhost") continue;
    throw new UsageError(`--group: ${text} receives no multicast; listen on 0.0.0.0:${endpoint.port}`);
  }
}

/** Records datagrams, those of each sender as a connection of its own. */
export function recorderOf(file: OutputFile, endpoint: string): (datagram: Datagram) => void {
  const senders = new Map<string, Recorder>();
  let recording: RecordingFile | undefined;
  let count = 0;
  return ({ data, from }) => {
    recording ??= new RecordingFile(file, { endpoint, framing: "raw" });
    const sender = from === null ? "" : formatEndpoint(from);
    let recorder = senders.get(sender);
    if (recorder === undefined) {
      recorder = recording.connection("stream", ++count);
      senders.set(sender, recorder);
      const [oldest] = senders.keys();
      if (senders.size > MAX_SENDERS && oldest !== undefined) senders.delete(oldest);
    }
    recorder.data("client", { data, isText: false });
  };
}

/** One line, or with `isHex` a line and a dump. Everything that a peer controls is escaped. */
function textOf({ data, from, isTruncated }: Datagram, isHex: boolean): string {
  const time = new Date().toISOString().slice(11, 23);
  const size = `${data.length} ${data.length === 1 ? "byte" : "bytes"}${isTruncated ? " (truncated)" : ""}`;
  const head = `${time} ${from === null ? "unnamed" : escapeControls(formatEndpoint(from))} ${size}`;
  if (isHex) return [head, ...hexDump(data)].join("\n");
  return `${head}: ${escapeControls(new TextDecoder().decode(data))}`;
}
