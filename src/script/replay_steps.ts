import { isUtf8 } from "node:buffer";
import { concat } from "../base/bytes.ts";
import { delay, end, expectClose, expectExactly, send, type Step } from "./steps.ts";
import type { RecordedEvent, Side } from "./recording.ts";

const CR = 0x0d;

/** Options of {@linkcode replaySteps}. */
export interface ReplayOptions {
  /** Whether message boundaries count; in a stream only the bytes do. */
  readonly isMessageWise: boolean;
  /** The framing of the recording: the CR of a line that was sent is not part of the message that arrives. */
  readonly framing: string;
  /** Whether half-close is supported; otherwise ends are omitted. */
  readonly canHalfClose: boolean;
  /** Whether to keep the recorded pauses. */
  readonly isTimed: boolean;
  /** Whether replies may differ from the recording. */
  readonly ignoresReplies: boolean;
  /**
   * The side to play.
   *
   * @default {"client"}
   */
  readonly side?: Side;
}

/** Creates steps that send one side's data, each after the other side's preceding data. */
export function replaySteps(events: readonly RecordedEvent[], options: ReplayOptions): Step[] {
  const { side = "client" } = options;
  const steps: Step[] = [];
  let beforeMs = events[0]?.atMs ?? 0;
  for (const event of joined(events, options)) {
    const { from, data, atMs, isText } = event;
    if (data === undefined && !options.canHalfClose) continue;
    if (from === side) {
      if (options.isTimed && atMs > beforeMs) steps.push(delay(atMs - beforeMs));
      steps.push(data ? send(data, { isText: isText ?? isUtf8(data) }) : end());
    } else if (!options.ignoresReplies) {
      const isLine = options.isMessageWise && options.framing === "line";
      const expected = isLine && data?.at(-1) === CR ? data.subarray(0, -1) : data;
      steps.push(expected ? expectExactly(expected, { isText }) : expectClose());
    }
    beforeMs = atMs;
  }
  return steps;
}

/** In a stream, consecutive data of one side is merged. */
function joined(
  events: readonly RecordedEvent[],
  { isMessageWise, isTimed, side = "client" }: ReplayOptions,
): RecordedEvent[] {
  if (isMessageWise) return [...events];
  const runs: RecordedEvent[][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const goesOn = last?.data !== undefined && event.data !== undefined && last.from === event.from;
    if (run && goesOn && !(isTimed && event.from === side)) run.push(event);
    else runs.push([event]);
  }
  return runs.flatMap((run) => {
    const [first] = run;
    if (first?.data === undefined) return run;
    return [{ ...first, data: concat(run.flatMap(({ data }) => data ?? [])) }];
  });
}
