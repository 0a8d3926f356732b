import { Backoff } from "../base/backoff.ts";
import { ByteBuilder } from "../base/byte_builder.ts";
import { ParleyError, TimeoutError } from "../base/errors.ts";
import { connect } from "../factory.ts";
import { parseFraming, rawCodec } from "../framing/mod.ts";
import type { Connection } from "../net/connection.ts";
import { Deadline } from "../net/deadline.ts";
import type { DeadlineTimer } from "../net/deadline_timer.ts";
import { isWebSocket } from "../net/endpoint.ts";
import { pause } from "../net/wait.ts";
import { dial, type DialOptions } from "../dial.ts";
import { buildPayload, ByteConnection, type LoadConnection, MessageConnection } from "./connection.ts";
import type { LoadPlan } from "./plan.ts";
import type { LoadRun, Waiting } from "./run.ts";
import { InFlight, type Tally } from "./tally.ts";

/** Maximum bytes queued on one connection before it is given up; larger messages raise it. */
const OUTBOX_BYTES = 64 * 1024 * 1024;

/** Opens the connections of a plan. */
export class ConnectionOpener {
  readonly #plan: LoadPlan;
  readonly #deadlineTimer: DeadlineTimer;
  #opened = 0;
  readonly #insecureWarned = new Set<string>();

  /** `deadlineTimer` checks the deadlines of all connections. */
  constructor(plan: LoadPlan, deadlineTimer: DeadlineTimer) {
    this.#plan = plan;
    this.#deadlineTimer = deadlineTimer;
  }

  async open(signal: AbortSignal): Promise<LoadConnection> {
    const { endpoint, size, headers = [] } = this.#plan;
    if (!isWebSocket(endpoint)) return this.over(await this.connect(signal));
    const message = buildPayload(size, this.#opened++);
    return new MessageConnection(
      await dial(endpoint, { framing: rawCodec, headers, ...await this.#options(signal) }),
      message,
    );
  }

  async connect(signal: AbortSignal): Promise<Connection> {
    return await connect(this.#plan.endpoint, await this.#options(signal));
  }

  over(connection: Connection): LoadConnection {
    const builder = new ByteBuilder();
    parseFraming(this.#plan.framing).encode(buildPayload(this.#plan.size, this.#opened++), builder);
    return new ByteConnection(connection, builder.take(), this.#plan.depth);
  }

  async #options(signal: AbortSignal): Promise<DialOptions> {
    const { connect, route, size, depth } = this.#plan;
    const way = route && (await import("../http/route.ts")).routeOptions(route);
    const outboxBytes = Math.max(OUTBOX_BYTES, 2 * size * depth);
    return {
      ...connect,
      ...way,
      insecureWarned: this.#insecureWarned,
      context: "bench",
      outboxBytes,
      deadlineTimer: this.#deadlineTimer,
      signal,
    };
  }
}

export interface LoadContext {
  readonly run: LoadRun;
  readonly tally: Tally;
  readonly opener: ConnectionOpener;
}

/** A connection with its messages in flight. */
export class TrackedConnection implements Waiting {
  readonly connection: LoadConnection;
  readonly inFlight = new InFlight();
  readonly #context: LoadContext;

  /** Applies the timeout of the run to its answers from now on. */
  constructor(connection: LoadConnection, context: LoadContext) {
    this.connection = connection;
    this.#context = context;
    context.run.add(this);
  }

  get oldestMs(): number | undefined {
    return this.inFlight.oldestMs;
  }

  /** Sends messages that are due at `dueMs`. */
  send(count: number, intendedMs: number, nowMs: number): Promise<void> | undefined {
    this.inFlight.push(intendedMs, nowMs, count);
    this.#context.tally.countSent(count);
    return this.connection.send(count);
  }

  giveUp(): void {
    this.connection.close(new TimeoutError("reply", "no answer in time"));
  }

  /** Closes it; messages in flight count as lost. */
  close(): void | Promise<void> {
    this.#context.run.delete(this);
    this.#context.tally.countLost(this.inFlight);
    return this.connection.close();
  }
}

/**
 * Drives a connection until the run is over; replaces it whenever it fails.
 */
export async function driveConnections(
  first: LoadConnection,
  context: LoadContext,
  drive: (tracked: TrackedConnection) => Promise<void>,
): Promise<void> {
  const backoff = new Backoff();
  let next: LoadConnection | undefined = first;
  while (next !== undefined) {
    const tracked = new TrackedConnection(next, context);
    try {
      await drive(tracked);
      return;
    } catch (error) {
      // Any other error is a bug and must not be hidden.
      if (!(error instanceof ParleyError)) throw error;
      context.tally.countError(error);
    } finally {
      await tracked.close();
    }
    if (tracked.inFlight.hasAnswers) backoff.reset();
    // A connect in the same turn as the close can leave Deno 2.9.6 without a wake-up for its timers, so even a delay of
    // zero matters.
    await pause(tracked.inFlight.hasAnswers ? 0 : backoff.next(), context.run.signal);
    next = await reopen(context, backoff);
  }
}

/** Opens another connection; `undefined` when the run is over, or the server remains unreachable. */
async function reopen({ run, opener, tally }: LoadContext, backoff: Backoff): Promise<LoadConnection | undefined> {
  const patience = new Deadline(run.timeoutMs);
  while (!run.isOver && patience.remainingMs > 0) {
    try {
      return await opener.open(run.signal);
    } catch (error) {
      if (run.isOver) return undefined;
      tally.countError(error);
      await pause(backoff.next(), run.signal);
    }
  }
  return undefined;
}
