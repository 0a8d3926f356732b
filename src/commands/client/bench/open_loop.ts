import { delay } from "../../../net/wait.ts";
import type { Lane } from "./lane.ts";
import { driveLanes, type LoadContext, type LoadedLane } from "./loaded_lane.ts";

/** Messages in flight on one lane; what is due beyond them waits here, and not in memory. */
const MOST_IN_FLIGHT = 4_096;
/** The same in bytes. */
const MOST_BYTES_IN_FLIGHT = 4 * 1024 * 1024;
/** Messages that are sent before the answers have their turn. */
const SLICE = 512;

/**
 * Sends at a given rate, whether answers come or not, over the lanes in turn.
 * A message has its time by the schedule, and its latency is measured from
 * then: a server that stalls is charged for every message that should have
 * been sent meanwhile (no coordinated omission).
 *
 * A rate that nobody keeps up with is not sent for ever: a lane with very much
 * in flight is passed over, and what is due is sent later, its latency counted
 * from when it was due all the same.
 */
export async function runOpenLoop(
  lanes: readonly Lane[],
  { rate, size }: { readonly rate: number; readonly size: number },
  context: LoadContext,
): Promise<void> {
  const schedule = new Schedule(rate, size, context);
  const receiving = lanes.map((lane) => driveLanes(lane, context, (loaded) => schedule.drive(loaded)));
  await Promise.all([schedule.run(), ...receiving]);
}

class Schedule {
  readonly #context: LoadContext;
  readonly #intervalMs: number;
  readonly #mostInFlight: number;
  readonly #startMs = performance.now();
  readonly #lanes: LoadedLane[] = [];
  #next = 0;
  #turn = 0;

  constructor(rate: number, size: number, context: LoadContext) {
    this.#intervalMs = 1_000 / rate;
    this.#mostInFlight = Math.max(1, Math.min(MOST_IN_FLIGHT, Math.floor(MOST_BYTES_IN_FLIGHT / size)));
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
    for (let left = SLICE; left > 0 && this.#dueMs <= nowMs; left--, this.#next++) {
      const lane = this.#laneWithRoom();
      if (lane === undefined && this.#lanes.length > 0 || run.claim(1) === 0) return;
      if (lane === undefined) {
        // Every connection is gone.
        tally.countSent(1);
        tally.countUnsendable(1);
      } else lane.send(1, this.#dueMs, nowMs)?.catch(() => {}); // The lane's next receive() throws the same.
    }
  }

  /** The next lane in turn, those passed over that have too much in flight. */
  #laneWithRoom(): LoadedLane | undefined {
    for (let tries = this.#lanes.length; tries > 0; tries--) {
      const lane = this.#lanes[this.#turn++ % this.#lanes.length];
      if (lane !== undefined && lane.inFlight.count < this.#mostInFlight) return lane;
    }
    return undefined;
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
