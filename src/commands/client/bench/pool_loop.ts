import { Backoff } from "../../../base/backoff.ts";
import { ParleyError, TimeoutError } from "../../../base/errors.ts";
import type { Connection } from "../../../net/connection.ts";
import type { ConnectionPool } from "../../../net/pool.ts";
import { delay } from "../../../net/wait.ts";
import type { Lane } from "./lane.ts";
import { InFlight } from "./in_flight.ts";
import type { LoadContext } from "./loaded_lane.ts";
import type { Waiting } from "./load_run.ts";

/**
 * One caller that takes a connection of the pool for each message; the wait for
 * the connection is part of the latency.
 */
export class PoolCaller implements Waiting {
  readonly #pool: ConnectionPool;
  readonly #context: LoadContext;
  readonly #lanes: WeakMap<Connection, Lane>;
  readonly #inFlight = new InFlight();
  #lane: Lane | undefined;

  /** `lanes` is shared by all callers of the pool. */
  constructor(pool: ConnectionPool, lanes: WeakMap<Connection, Lane>, context: LoadContext) {
    this.#pool = pool;
    this.#lanes = lanes;
    this.#context = context;
  }

  get oldestMs(): number | undefined {
    return this.#lane && this.#inFlight.oldestMs;
  }

  giveUp(): void {
    this.#lane?.close(new TimeoutError("reply", "no answer in time"));
  }

  /** Calls until the run is over. */
  async run(): Promise<void> {
    const { run, tally } = this.#context;
    const backoff = new Backoff();
    run.add(this);
    while (run.claim(1) > 0) {
      const nowMs = performance.now();
      this.#inFlight.push(nowMs, nowMs, 1);
      tally.countSent(1);
      try {
        await this.#pool.use((connection) => this.#exchange(connection));
        backoff.reset();
        tally.countAnswered(this.#inFlight, 1, performance.now());
      } catch (error) {
        if (!(error instanceof ParleyError)) throw error;
        tally.countError(error);
        tally.countLost(this.#inFlight);
        await delay(backoff.next(), run.signal).catch(() => {}); // Woken early by the end of the run.
      }
    }
    run.delete(this);
  }

  async #exchange(connection: Connection): Promise<void> {
    const lane = this.#lanes.get(connection) ?? this.#context.opener.laneOver(connection);
    this.#lanes.set(connection, lane);
    this.#lane = lane;
    try {
      await lane.send(1);
      while (lane.answersIn(await lane.receive()) === 0) {
        // The answer comes in pieces.
      }
    } finally {
      this.#lane = undefined;
    }
  }
}
