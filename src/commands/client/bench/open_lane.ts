import { ByteSink } from "../../../base/byte_sink.ts";
import { connect } from "../../../factory.ts";
import { parseFraming } from "../../../framing/mod.ts";
import type { Connection } from "../../../net/connection.ts";
import type { DeadlineSweep } from "../../../net/deadline_sweep.ts";
import { ByteLane } from "./byte_lane.ts";
import { type Lane, loadMessage } from "./lane.ts";
import type { LoadPlan } from "./load_plan.ts";

/** What a load generator may have queued on one connection before it gives that up. */
const OUTBOX_BYTES = 64 * 1024 * 1024;

/** Opens the connections of a plan. */
export class LaneOpener {
  readonly #plan: LoadPlan;
  readonly #sweep: DeadlineSweep;
  #opened = 0;

  /** `sweep` checks the deadlines of all of them. */
  constructor(plan: LoadPlan, sweep: DeadlineSweep) {
    this.#plan = plan;
    this.#sweep = sweep;
  }

  /** One connection, ready for load. */
  async open(signal: AbortSignal): Promise<Lane> {
    return this.laneOver(await this.connect(signal));
  }

  /** One connection by itself. */
  async connect(signal: AbortSignal): Promise<Connection> {
    return await connect(this.#plan.endpoint, {
      ...this.#plan.connect,
      context: "bench",
      outboxBytes: OUTBOX_BYTES,
      sweep: this.#sweep,
      signal,
    });
  }

  /** A lane over an open connection. */
  laneOver(connection: Connection): Lane {
    const sink = new ByteSink();
    parseFraming(this.#plan.framing).encode(loadMessage(this.#plan.size, this.#opened++), sink);
    return new ByteLane(connection, sink.take(), this.#plan.depth);
  }
}
