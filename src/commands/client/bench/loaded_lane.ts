import { Backoff } from "../../../base/backoff.ts";
import { ParleyError, TimeoutError } from "../../../base/errors.ts";
import { Deadline } from "../../../net/deadline.ts";
import { delay } from "../../../net/wait.ts";
import { InFlight } from "./in_flight.ts";
import type { Lane } from "./lane.ts";
import type { LoadRun, Waiting } from "./load_run.ts";
import type { LaneOpener } from "./open_lane.ts";
import type { Tally } from "./tally.ts";

/** What all connections of a thread share. */
export interface LoadContext {
  readonly run: LoadRun;
  readonly tally: Tally;
  readonly opener: LaneOpener;
}

/** A lane, and what is in flight on it. */
export class LoadedLane implements Waiting {
  readonly lane: Lane;
  readonly inFlight = new InFlight();
  readonly #context: LoadContext;

  /** The run watches over its answers from now on. */
  constructor(lane: Lane, context: LoadContext) {
    this.lane = lane;
    this.#context = context;
    context.run.add(this);
  }

  get oldestMs(): number | undefined {
    return this.inFlight.oldestMs;
  }

  /** Sends messages that were to be sent then. */
  send(count: number, intendedMs: number, nowMs: number): Promise<void> | undefined {
    this.inFlight.push(intendedMs, nowMs, count);
    this.#context.tally.countSent(count);
    return this.lane.send(count);
  }

  giveUp(): void {
    this.lane.close(new TimeoutError("reply", "no answer in time"));
  }

  /** Closes it; what is in flight is lost. */
  close(): void | Promise<void> {
    this.#context.run.delete(this);
    this.#context.tally.countLost(this.inFlight);
    return this.lane.close();
  }
}

/**
 * Drives a lane until the run is over, and another one in its place whenever
 * one fails.
 */
export async function driveLanes(
  first: Lane,
  context: LoadContext,
  drive: (lane: LoadedLane) => Promise<void>,
): Promise<void> {
  const backoff = new Backoff();
  let next: Lane | undefined = first;
  while (next !== undefined) {
    const loaded = new LoadedLane(next, context);
    try {
      await drive(loaded);
      return;
    } catch (error) {
      // Whatever is not the network's doing is a fault of ours, and must be seen.
      if (!(error instanceof ParleyError)) throw error;
      context.tally.countError(error);
    } finally {
      await loaded.close();
    }
    if (loaded.inFlight.hasAnswers) backoff.reset();
    // A connect in the turn of the close can leave Deno 2.9.6 without a wake-up for its timers: zero is a turn too.
    await delay(loaded.inFlight.hasAnswers ? 0 : backoff.next(), context.run.signal).catch(() => {});
    next = await reopen(context, backoff);
  }
}

/** Another lane; `undefined` when the run is over, and when the server stays away. */
async function reopen({ run, opener, tally }: LoadContext, backoff: Backoff): Promise<Lane | undefined> {
  const patience = new Deadline(run.timeoutMs);
  while (!run.isOver && patience.remainingMs > 0) {
    try {
      return await opener.open(run.signal);
    } catch (error) {
      if (run.isOver) return undefined;
      tally.countError(error);
      await delay(backoff.next(), run.signal).catch(() => {}); // Woken early by the end of the run.
    }
  }
  return undefined;
}
