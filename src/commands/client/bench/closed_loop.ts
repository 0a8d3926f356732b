import type { LoadContext, LoadedLane } from "./loaded_lane.ts";

/** Keeps `depth` messages in flight on the lane: each answer is followed by the next message. */
export async function driveClosedLoop(loaded: LoadedLane, depth: number, { run, tally }: LoadContext): Promise<void> {
  const { lane, inFlight } = loaded;
  const startMs = performance.now();
  const first = run.claim(depth);
  if (first > 0) await loaded.send(first, startMs, startMs);
  while (inFlight.count > 0) {
    const answered = lane.answersIn(await lane.receive());
    if (answered === 0) continue;
    const nowMs = performance.now();
    tally.countAnswered(inFlight, answered, nowMs);
    const next = run.claim(answered);
    if (next === 0) continue;
    inFlight.push(nowMs, nowMs, next);
    tally.countSent(next);
    await lane.send(next);
  }
}
