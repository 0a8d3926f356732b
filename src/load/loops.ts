import { Backoff } from "../base/backoff.ts";
import { ParleyError, TimeoutError } from "../base/errors.ts";
import type { Connection } from "../net/connection.ts";
import type { ConnectionPool } from "../net/pool.ts";
import { nextTurn, pause } from "../net/wait.ts";
import type { LoadConnection } from "./connection.ts";
import type { Waiting } from "./run.ts";
import { InFlight } from "./tally.ts";
import { driveConnections, type LoadContext, type TrackedConnection } from "./tracked_connection.ts";

/** A closed loop: keeps `depth` messages in flight on each connection. */
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

/** Maximum messages in flight on one connection; later ones are delayed, not queued in memory. */
const MAX_IN_FLIGHT = 4_096;
/** Maximum bytes in flight on one connection. */
const MAX_BYTES_IN_FLIGHT = 4 * 1024 * 1024;
/** Maximum messages that are sent before answers are processed. */
const SLICE = 512;

/**
 * An open loop: sends at a given rate, independently of the answers, over the connections in turn. The latency of a
 * message is measured from its scheduled time, so that a stalled server is charged for every message that was due
 * meanwhile (no coordinated omission).
 *
 * A rate above the capacity of the server does not queue without bound: connections with too much in flight are
 * skipped and messages are sent late, with latencies still measured from the scheduled time.
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

  /** Sends due messages until the run is over. */
  async run(): Promise<void> {
    const { run } = this.#context;
    while (!run.isOver) {
      this.#sendDue(performance.now());
      const waitMs = this.#dueMs - performance.now();
      if (waitMs > 0) await pause(waitMs, run.signal);
      else await nextTurn();
    }
    // A connection with nothing in flight would wait for bytes that never arrive.
    for (const { connection, inFlight } of this.#connections) if (inFlight.count === 0) connection.close();
  }

  /** Receives the answers of one connection, on which this schedule sends. */
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
        tally.countSent(1);
        tally.countUnsendable(1);
      } else connection.send(1, this.#dueMs, nowMs)?.catch(() => {}); // The connection's next receive() throws the same.
    }
  }

  /** The next connection in turn that has not too much in flight. */
  #connectionWithRoom(): TrackedConnection | undefined {
    for (let tries = this.#connections.length; tries > 0; tries--) {
      const connection = this.#connections[this.#turn++ % this.#connections.length];
      if (connection !== undefined && connection.inFlight.count < this.#maxInFlight) return connection;
    }
    return undefined;
  }
}

/** The number of answers received; 0 if the connection was closed at the end because nothing was in flight. */
async function receiveUntilOver(tracked: TrackedConnection, run: { readonly isOver: boolean }): Promise<number> {
  try {
    return tracked.connection.answersIn(await tracked.connection.receive());
  } catch (error) {
    if (run.isOver && tracked.inFlight.count === 0) return 0;
    throw error;
  }
}

/**
 * One caller, which acquires a connection of the pool for each message; the wait for the connection is part of the
 * latency.
 */
export class PoolCaller implements Waiting {
  readonly #pool: ConnectionPool;
  readonly #context: LoadContext;
  readonly #connections: WeakMap<Connection, LoadConnection>;
  readonly #inFlight = new InFlight();
  #connection: LoadConnection | undefined;

  /** `connections` is shared by all callers. */
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
        await pause(backoff.next(), run.signal);
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
        // The answer may arrive in pieces.
      }
    } finally {
      this.#connection = undefined;
    }
  }
}
