import { toJsonLine, utf8 } from "../../base/bytes.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { readProbe } from "../bench/probe.ts";
import { SequenceTracker } from "../bench/sequence_tracker.ts";
import { defineDatagramService } from "../service.ts";

/** Maximum streams at a time; beyond it the oldest is reported and removed. */
const MAX_STREAMS = 256;

interface Stream {
  readonly number: number;
  readonly from: string;
  readonly tracker: SequenceTracker;
  bytes: number;
  sent: number | undefined;
  isReported: boolean;
}

/** Receives the probes of `parley-udp bench` and reports what arrived. */
export const sink = defineDatagramService({
  name: "sink",
  summary: "receive probes of bench --one-way; report loss, duplicates, reordering, corruption and jitter",
  flags: {},
  create: (_flags, { print, log }) => {
    const streams = new Map<string, Stream>();
    let foreign = 0;
    const report = (stream: Stream) => {
      if (stream.isReported) return;
      stream.isReported = true;
      print(toJsonLine(reportOf(stream)).trimEnd());
    };
    const streamOf = (number: number, from: string) => {
      const key = `${number} ${from}`;
      let stream = streams.get(key);
      if (stream === undefined) {
        const [oldest] = streams;
        if (streams.size >= MAX_STREAMS && oldest) {
          report(oldest[1]);
          streams.delete(oldest[0]);
        }
        stream = { number, from, tracker: new SequenceTracker(), bytes: 0, sent: undefined, isReported: false };
        streams.set(key, stream);
      }
      return stream;
    };
    /** A corrupted stream number must not start a stream; the latest stream of the sender is the most likely one. */
    const latestOf = (from: string) => [...streams.values()].findLast((stream) => stream.from === from);
    return {
      onDatagram({ data, from }) {
        const name = from === null ? "unnamed" : formatEndpoint(from);
        const probe = readProbe(data, (number) => streams.has(`${number} ${name}`));
        const stream = probe === "corrupted" ? latestOf(name) : probe && streamOf(probe.stream, name);
        if (probe === undefined || stream === undefined) {
          foreign++;
          return undefined;
        }
        if (probe === "corrupted") {
          stream.tracker.addCorrupted();
          return undefined;
        }
        if (probe.kind === "probe") {
          stream.tracker.add(probe.seq, probe.sentMs, performance.now());
          stream.bytes += data.length;
          return undefined;
        }
        stream.sent = probe.seq;
        report(stream);
        return utf8(JSON.stringify({ stream: probe.stream, ...reportOf(stream) }));
      },
      [Symbol.dispose]() {
        for (const stream of streams.values()) report(stream);
        if (foreign > 0) log.warning("datagrams that are not probes", { count: foreign });
      },
    };
  },
});

function reportOf({ from, tracker, bytes, sent }: Stream): object {
  const report = tracker.report();
  // Without a query, losses after the highest number are unknown.
  const expected = sent ?? tracker.highest + 1;
  return { from, sent: expected, lost: Math.max(0, expected - report.unique), bytes, ...report };
}
