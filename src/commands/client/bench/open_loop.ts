import { delay } from "../../../net/wait.ts";
import type { Lane } from "./lane.ts";
import { driveLanes, type LoadContext, type LoadedLane } from "./loaded_lane.ts";

/**
 * Sends at a given rate, whether answers come or not, over the lanes in turn.
 * A message has its time by the schedule, and its latency is measured from
 * then: a server that stalls is charged for every message that should have
 * been sent meanwhile (no coordinated omission).
 */
export async function runOpenLoop(lanes: readonly Lane[], rate: number, context: LoadContext): Promise<void> {
  const schedule = new Schedule(rate, context);
  const receiving = lanes.map((lane) => driveLanes(lane, context, (loaded) => schedule.drive(loaded)));
  await Promise.all([schedule.run(), ...receiving]);
}

class Schedule {
  readonly #context: LoadContext;
  readonly #intervalMs: number;
  readonly #startMs = performance.now();
  readonly #lanes: LoadedLane[] = [];
  #next = 0;
  #turn = 0;

  constructor(rate: number, context: LoadContext) {
    this.#intervalMs = 1_000 / rate;
    this.#context = context;
  }

  /** Sends what is due until the run is over. */
  async run(): Promise<void> {
    const { run } = this.#context;
    while (!run.isOver) {
      this.#sendDue(performance.now());
      const waitMs = this.#dueMs - performance.now();
      // At the end of the run the wait ends with it, and so does the loop.
      if (waitMs > 0) await delay(waitMs, run.signal).catch(() => {});
      else await delay(0);
    }
    // A lane with nothing in flight waits for bytes that will never come.
    for (const { lane, inFlight } of this.#lanes) if (inFlight.count === 0) lane.close();
  }

  /** Takes the answers of one lane, on which this schedule sends. */
  async drive(loaded: LoadedLane): Promise<void> {
    const { run, tally } = this.#context;
    this.#lanes.push(loaded);
    try {
      while (!run.isOver || loaded.inFlight.count > 0) {
        const answered = await receiveUntilOver(loaded, run);
        if (answered === 0) continue;
        const nowMs = performance.now();
        tally.countAnswered(loaded.inFlight, answered, nowMs);
        this.#sendDue(nowMs);
      }
    } finally {
      this.#lanes.splice(this.#lanes.indexOf(loaded), 1);
    }
  }

  get #dueMs(): number {
    return this.#startMs + this.#next * this.#intervalMs;
  }

  #sendDue(nowMs: number): void {
    const { run, tally } = this.#context;
    for (; this.#dueMs <= nowMs && run.claim(1) > 0; this.#next++) {
      const lane = this.#lanes[this.#turn++ % Math.max(1, this.#lanes.length)];
      if (lane === undefined) {
        // Every connection is gone.
        tally.countSent(1);
        tally.countLost(1);
      } else lane.send(1, this.#dueMs, nowMs)?.catch(() => {}); // The lane's next receive() throws the same.
    }
  }
}

/** Answers that came; 0 where the lane was closed because nothing is in flight at the end. */
async function receiveUntilOver(loaded: LoadedLane, run: { readonly isOver: boolean }): Promise<number> {
  try {
    return loaded.lane.answersIn(await loaded.lane.receive());
  } catch (error) {
    if (run.isOver && loaded.inFlight.count === 0) return 0;
    throw error;
  }
}
