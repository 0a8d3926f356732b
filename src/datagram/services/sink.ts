import { utf8 } from "../../base/bytes.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import { readProbe } from "../bench/probe.ts";
import { SequenceTracker } from "../bench/sequence_tracker.ts";
import { defineDatagramService } from "../service.ts";

/** Streams that are followed at a time; beyond it the oldest is reported and forgotten. */
const MOST_STREAMS = 256;

interface Stream {
  readonly from: string;
  readonly tracker: SequenceTracker;
  bytes: number;
  sent: number | undefined;
  isReported: boolean;
}

/** Receives what `parley-udp bench` sends and reports what became of it. */
export const sink = defineDatagramService({
  name: "sink",
  summary: "receive what bench --one-way sends; report loss, duplicates, order and jitter",
  flags: {},
  create: (_flags, { print, log }) => {
    const streams = new Map<string, Stream>();
    let foreign = 0;
    const report = (stream: Stream) => {
      if (stream.isReported) return;
      stream.isReported = true;
      print(JSON.stringify(reportOf(stream)));
    };
    const streamOf = (number: number, from: Endpoint | null) => {
      const key = `${number} ${from === null ? "" : formatEndpoint(from)}`;
      let stream = streams.get(key);
      if (stream === undefined) {
        const [oldest] = streams;
        if (streams.size >= MOST_STREAMS && oldest) {
          report(oldest[1]);
          streams.delete(oldest[0]);
        }
        const name = from === null ? "nameless" : formatEndpoint(from);
        stream = { from: name, tracker: new SequenceTracker(), bytes: 0, sent: undefined, isReported: false };
        streams.set(key, stream);
      }
      return stream;
    };
    return {
      onDatagram({ data, from }) {
        const probe = readProbe(data);
        if (probe === undefined) {
          foreign++;
          return undefined;
        }
        const stream = streamOf(probe.stream, from);
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
        if (foreign > 0) log.warning("datagrams that bench did not send", { count: foreign });
      },
    };
  },
});

function reportOf({ from, tracker, bytes, sent }: Stream): object {
  const report = tracker.report();
  // Who never asked may have sent more than came: what is behind the highest number is not known.
  const expected = sent ?? tracker.highest + 1;
  return { from, sent: expected, lost: Math.max(0, expected - report.unique), bytes, ...report };
}
