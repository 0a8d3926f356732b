import { ByteBuilder } from "../../../base/byte_builder.ts";
import { connect } from "../../../factory.ts";
import { parseFraming, rawCodec } from "../../../framing/mod.ts";
import type { Connection } from "../../../net/connection.ts";
import type { DeadlineTimer } from "../../../net/deadline_timer.ts";
import type { Endpoint } from "../../../net/endpoint.ts";
import { type DialOptions, dialSession } from "../../../dial.ts";
import { ByteLane } from "./byte_lane.ts";
import { type Lane, loadMessage } from "./lane.ts";
import type { LoadPlan } from "./load_plan.ts";
import { MessageLane } from "./message_lane.ts";

/** What a load generator may have queued on one connection before it gives that up; more where its messages are larger. */
const OUTBOX_BYTES = 64 * 1024 * 1024;

/** Whether the transport has messages of its own. */
export function isMessageScheme({ scheme }: Endpoint): boolean {
  return scheme === "ws" || scheme === "wss";
}

/** Opens the connections of a plan. */
export class LaneOpener {
  readonly #plan: LoadPlan;
  readonly #deadlineTimer: DeadlineTimer;
  #opened = 0;

  /** `deadlineTimer` checks the deadlines of all of them. */
  constructor(plan: LoadPlan, deadlineTimer: DeadlineTimer) {
    this.#plan = plan;
    this.#deadlineTimer = deadlineTimer;
  }

  /** One connection, ready for load. */
  async open(signal: AbortSignal): Promise<Lane> {
    const { endpoint, size } = this.#plan;
    if (!isMessageScheme(endpoint)) return this.laneOver(await this.connect(signal));
    const message = loadMessage(size, this.#opened++);
    return new MessageLane(await dialSession(endpoint, rawCodec, this.#options(signal)), message);
  }

  /** One connection by itself. */
  async connect(signal: AbortSignal): Promise<Connection> {
    return await connect(this.#plan.endpoint, this.#options(signal));
  }

  /** A lane over an open connection. */
  laneOver(connection: Connection): Lane {
    const builder = new ByteBuilder();
    parseFraming(this.#plan.framing).encode(loadMessage(this.#plan.size, this.#opened++), builder);
    return new ByteLane(connection, builder.take(), this.#plan.depth);
  }

  #options(signal: AbortSignal): DialOptions {
    const { connect, size, depth } = this.#plan;
    const outboxBytes = Math.max(OUTBOX_BYTES, 2 * size * depth);
    return { ...connect, context: "bench", outboxBytes, deadlineTimer: this.#deadlineTimer, signal };
  }
}
