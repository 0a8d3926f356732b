import type { Connection } from "../net/connection.ts";
import { DeadlineTimer } from "../net/deadline_timer.ts";
import { ConnectionPool } from "../net/pool.ts";
import { onAbort, pause } from "../net/wait.ts";
import type { LoadConnection } from "./connection.ts";
import { driveClosedLoop, PoolCaller, runOpenLoop } from "./loops.ts";
import type { LoadPlan } from "./plan.ts";
import { LoadRun } from "./run.ts";
import { type ErrorCounts, type Sample, Tally } from "./tally.ts";
import { ConnectionOpener, driveConnections, type LoadContext } from "./tracked_connection.ts";

/** How often counts are reported, in milliseconds. */
const SAMPLE_MS = 1_000;
/** Maximum connection attempts at a time. */
const OPENING_AT_ONCE = 64;

/** Options of {@linkcode runLoad}. */
export interface RunLoadOptions {
  /** Ends the run early. */
  readonly signal: AbortSignal;
  /** Awaited once every connection is open, so that all threads start together. */
  readonly onReady: () => Promise<void>;
  /** The exit code of an error. */
  readonly exitCodeOf: (error: unknown) => number;
  /** Called about once a second with the counts since the last call; the histograms are valid only during the call. */
  readonly onSample: (sample: Sample) => void;
}

/** The result of a load, besides the samples. */
export interface LoadEnd {
  /** From the first measured message to the last answer, or to the end of the run. */
  readonly elapsedMs: number;
  readonly errors: ErrorCounts;
}

/**
 * Runs a load against a server from this thread.
 *
 * @throws {ParleyError} A connection could not be opened.
 */
export async function runLoad(plan: LoadPlan, options: RunLoadOptions): Promise<LoadEnd> {
  using deadlineTimer = new DeadlineTimer();
  const opener = new ConnectionOpener(plan, deadlineTimer);
  const tally = new Tally({ isOpenLoop: plan.rate !== undefined, exitCodeOf: options.exitCodeOf });
  const connections = plan.poolSize === undefined
    ? await openConnections(opener, plan.connections, options.signal)
    : [];
  await options.onReady();
  using run = new LoadRun(plan);
  using _interruption = onAbort(options.signal, () => run.interrupt());
  let sampling: ReturnType<typeof setInterval> | undefined;
  try {
    let startMs = performance.now();
    if (plan.warmupMs === 0) setEnd(run, plan);
    const loading = startLoops(plan, connections, { run, tally, opener });
    if (plan.warmupMs > 0) {
      // The end of the run, or its failure, ends the warm-up.
      await Promise.race([pause(plan.warmupMs, run.signal), loading]);
      startMs = performance.now();
      tally.restart(startMs);
      setEnd(run, plan);
    }
    sampling = setInterval(() => tally.flush(options.onSample), SAMPLE_MS);
    await loading;
    tally.flush(options.onSample);
    const endMs = Math.max(plan.requests === undefined ? run.overMs : 0, tally.lastAnswerMs);
    return { elapsedMs: Math.max(0, endMs - startMs), errors: tally.errors };
  } finally {
    clearInterval(sampling);
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

function setEnd(run: LoadRun, plan: LoadPlan): void {
  if (plan.requests === undefined) run.endAfter(plan.durationMs);
  else run.endAfterMessages(plan.requests);
}

async function startLoops(plan: LoadPlan, connections: readonly LoadConnection[], context: LoadContext): Promise<void> {
  if (plan.poolSize !== undefined) return await runPoolLoops(plan, plan.poolSize, context);
  if (plan.rate !== undefined) return await runOpenLoop(connections, { rate: plan.rate, size: plan.size }, context);
  await Promise.all(
    connections.map((connection) =>
      driveConnections(connection, context, (tracked) => driveClosedLoop(tracked, plan.depth, context))
    ),
  );
}

async function runPoolLoops(plan: LoadPlan, size: number, context: LoadContext): Promise<void> {
  await using pool = new ConnectionPool((signal) => context.opener.connect(signal), {
    size,
    waitTimeout: plan.timeoutMs,
    // A validation at each acquire would be part of the measured latency.
    trustFor: "1s",
  });
  const shared = new WeakMap<Connection, LoadConnection>();
  const callers = Array.from({ length: plan.connections }, () => new PoolCaller(pool, shared, context));
  await Promise.all(callers.map((caller) => caller.run()));
}

async function openConnections(
  opener: ConnectionOpener,
  count: number,
  signal: AbortSignal,
): Promise<LoadConnection[]> {
  const connections: LoadConnection[] = [];
  let claimed = 0;
  const openSome = async () => {
    while (claimed < count) {
      claimed++;
      connections.push(await opener.open(signal));
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(count, OPENING_AT_ONCE) }, openSome));
    return connections;
  } catch (error) {
    claimed = count;
    await Promise.all(connections.map((connection) => connection.close()));
    throw error;
  }
}
