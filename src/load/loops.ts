import { Backoff } from "../base/backoff.ts";
import { ParleyError, TimeoutError } from "../base/errors.ts";
import type { Connection } from "../net/connection.ts";
import type { ConnectionPool } from "../net/pool.ts";
import { delay } from "../net/wait.ts";
import type { LoadConnection } from "./connection.ts";
import type { Waiting } from "./run.ts";
import { InFlight } from "./tally.ts";
import { driveConnections, type LoadContext, type TrackedConnection } from "./tracked_connection.ts";

/** Keeps `depth` messages in flight on the connection: each answer is followed by the next message. */
export async function driveClosedLoop(
  tracked: TrackedConnection,
  depth: number,
  { run, tally }: LoadContext,
): Promise<void> {
  const { connection, inFlight } = tracked;
  const startMs = performance.now();
  const first = run.claim(depth);
  if (first > 0) await tracked.send(first, startMs, startMs);
  while (inFlight.count > 0) {
    const answered = connection.answersIn(await connection.receive());
    if (answered === 0) continue;
    const nowMs = performance.now();
    tally.countAnswered(inFlight, answered, nowMs);
    const next = run.claim(answered);
    if (next === 0) continue;
    inFlight.push(nowMs, nowMs, next);
    tally.countSent(next);
    await connection.send(next);
  }
}

/** Messages in flight on one connection; what is due beyond them waits here, and not in memory. */
const MAX_IN_FLIGHT = 4_096;
/** The same in bytes. */
const MAX_BYTES_IN_FLIGHT = 4 * 1024 * 1024;
/** Messages that are sent before the answers have their turn. */
const SLICE = 512;

/**
 * Sends at a given rate, whether answers come or not, over the connections in turn.
 * A message has its time by the schedule, and its latency is measured from
 * then: a server that stalls is charged for every message that should have
 * been sent meanwhile (no coordinated omission).
 *
 * A rate above what the server can handle does not queue without bound: a
 * connection with too much in flight is passed over, and what is due is sent
 * later. Its latency still counts from the time it was due.
 */
export async function runOpenLoop(
  connections: readonly LoadConnection[],
  { rate, size }: { readonly rate: number; readonly size: number },
  context: LoadContext,
): Promise<void> {
  const schedule = new Schedule(rate, size, context);
  const receiving = connections.map((connection) =>
    driveConnections(connection, context, (tracked) => schedule.drive(tracked))
  );
  await Promise.all([schedule.run(), ...receiving]);
}

class Schedule {
  readonly #context: LoadContext;
  readonly #intervalMs: number;
  readonly #maxInFlight: number;
  readonly #startMs = performance.now();
  readonly #connections: TrackedConnection[] = [];
  #next = 0;
  #turn = 0;

  constructor(rate: number, size: number, context: LoadContext) {
    this.#intervalMs = 1_000 / rate;
    this.#maxInFlight = Math.max(1, Math.min(MAX_IN_FLIGHT, Math.floor(MAX_BYTES_IN_FLIGHT / size)));
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
    // A connection with nothing in flight waits for bytes that will never come.
    for (const { connection, inFlight } of this.#connections) if (inFlight.count === 0) connection.close();
  }

  /** Takes the answers of one connection, on which this schedule sends. */
  async drive(tracked: TrackedConnection): Promise<void> {
    const { run, tally } = this.#context;
    this.#connections.push(tracked);
    try {
      while (!run.isOver || tracked.inFlight.count > 0) {
        const answered = await receiveUntilOver(tracked, run);
        if (answered === 0) continue;
        const nowMs = performance.now();
        tally.countAnswered(tracked.inFlight, answered, nowMs);
        this.#sendDue(nowMs);
      }
    } finally {
      this.#connections.splice(this.#connections.indexOf(tracked), 1);
    }
  }

  get #dueMs(): number {
    return this.#startMs + this.#next * this.#intervalMs;
  }

  #sendDue(nowMs: number): void {
    const { run, tally } = this.#context;
    for (let left = SLICE; left > 0 && this.#dueMs <= nowMs; left--, this.#next++) {
      const connection = this.#connectionWithRoom();
      if (connection === undefined && this.#connections.length > 0 || run.claim(1) === 0) return;
      if (connection === undefined) {
        // Every connection is closed.
        tally.countSent(1);
        tally.countUnsendable(1);
      } else connection.send(1, this.#dueMs, nowMs)?.catch(() => {}); // The connection's next receive() throws the same.
    }
  }

  /** The next connection in turn, those passed over that have too much in flight. */
  #connectionWithRoom(): TrackedConnection | undefined {
    for (let tries = this.#connections.length; tries > 0; tries--) {
      const connection = this.#connections[this.#turn++ % this.#connections.length];
      if (connection !== undefined && connection.inFlight.count < this.#maxInFlight) return connection;
    }
    return undefined;
  }
}

/** Answers that came; 0 where the connection was closed because nothing is in flight at the end. */
async function receiveUntilOver(tracked: TrackedConnection, run: { readonly isOver: boolean }): Promise<number> {
  try {
    return tracked.connection.answersIn(await tracked.connection.receive());
  } catch (error) {
    if (run.isOver && tracked.inFlight.count === 0) return 0;
    throw error;
  }
}

/**
 * One caller that takes a connection of the pool for each message; the wait for
 * the connection is part of the latency.
 */
export class PoolCaller implements Waiting {
  readonly #pool: ConnectionPool;
  readonly #context: LoadContext;
  readonly #connections: WeakMap<Connection, LoadConnection>;
  readonly #inFlight = new InFlight();
  #connection: LoadConnection | undefined;

  /** `connections` is shared by all callers of the pool. */
  constructor(pool: ConnectionPool, connections: WeakMap<Connection, LoadConnection>, context: LoadContext) {
    this.#pool = pool;
    this.#connections = connections;
    this.#context = context;
  }

  get oldestMs(): number | undefined {
    return this.#connection && this.#inFlight.oldestMs;
  }

  giveUp(): void {
    this.#connection?.close(new TimeoutError("reply", "no answer in time"));
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
        await this.#pool.use((pooled) => this.#exchange(pooled));
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

  async #exchange(pooled: Connection): Promise<void> {
    const connection = this.#connections.get(pooled) ?? this.#context.opener.over(pooled);
    this.#connections.set(pooled, connection);
    this.#connection = connection;
    try {
      await connection.send(1);
      while (connection.answersIn(await connection.receive()) === 0) {
        // The answer comes in pieces.
      }
    } finally {
      this.#connection = undefined;
    }
  }
}
