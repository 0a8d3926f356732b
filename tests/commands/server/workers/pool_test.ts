import { assertEquals, assertRejects } from "@std/assert";
import { ParleyError } from "../../../../src/base/errors.ts";
import { WorkerError } from "../../../../src/cli/exit_codes.ts";
import { type FromWorker, type ToWorker, WorkerPool } from "../../../../src/commands/server/workers/pool.ts";
import type { StatsSnapshot, StatsSource } from "../../../../src/server/stats_snapshot.ts";

/** A thread whose messages the test writes and reads. */
class FakeWorker {
  onmessage: ((event: { data: FromWorker }) => void) | undefined;
  onerror: ((event: { message: string; preventDefault: () => void }) => void) | undefined;
  isTerminated = false;
  readonly received: ToWorker[] = [];

  postMessage(message: ToWorker): void {
    this.received.push(message);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  say(...messages: FromWorker[]): void {
    for (const data of messages) this.onmessage?.({ data });
  }
}

const FAILURE = { name: "BindError", message: "address in use", endpoint: undefined, exitCode: 8 };

function snapshotOf(accepted: number): StatsSnapshot {
  return {
    accepted,
    acceptErrors: 0,
    outboxHighWater: 0,
    isEnding: false,
    fault: undefined,
    openCount: 0,
    closedByReason: {},
    tlsFailures: {},
    totals: { bytesRead: 0, bytesWritten: 0, messagesRead: 0, messagesWritten: 0 },
    open: [],
    recentlyClosed: [],
  };
}

/** A pool of two workers besides the main thread, which has not started. */
function startPool() {
  const workers: FakeWorker[] = [];
  const task = { service: "echo", flags: {}, endpoints: ["tcp://127.0.0.1:1"], count: 3 };
  const starting = WorkerPool.start(task, () => {
    const worker = new FakeWorker();
    workers.push(worker);
    return Promise.resolve(worker as unknown as Worker);
  });
  starting.catch(() => {});
  return { workers, starting, task };
}

async function startedPool() {
  const { workers, starting } = startPool();
  await turn();
  for (const worker of workers) worker.say({ kind: "hello" }, { kind: "serving" });
  const [first, second] = workers;
  if (first === undefined || second === undefined) throw new Error("two workers are needed");
  for (const worker of workers) worker.received.length = 0;
  return { pool: await starting, first, second };
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

Deno.test("WorkerPool.start() gives each worker its number, and resolves once all are serving", async () => {
  const { workers, starting, task } = startPool();
  await turn();
  let isStarted = false;
  void starting.then(() => isStarted = true);
  const [first, second] = workers;
  first?.say({ kind: "hello" }, { kind: "serving" });
  second?.say({ kind: "hello" });
  await turn();
  assertEquals(isStarted, false);
  second?.say({ kind: "serving" });
  using _pool = await starting;
  assertEquals(workers.map(({ received }) => received), [
    [{ kind: "serve", task: { ...task, index: 1 } }],
    [{ kind: "serve", task: { ...task, index: 2 } }],
  ]);
});

Deno.test("WorkerPool.start() ends all workers when one cannot serve", async () => {
  for (const isThrown of [false, true]) {
    const { workers, starting } = startPool();
    await turn();
    workers[0]?.say({ kind: "hello" }, { kind: "serving" });
    let isPrevented = false;
    if (isThrown) workers[1]?.onerror?.({ message: "no memory", preventDefault: () => isPrevented = true });
    else workers[1]?.say({ kind: "failed", failure: FAILURE });
    const error = await assertRejects(() => starting, isThrown ? ParleyError : WorkerError);
    assertEquals(error.message, isThrown ? "A worker failed: no memory" : "address in use");
    assertEquals([isPrevented, ...workers.map(({ isTerminated }) => isTerminated)], [isThrown, true, true]);
  }
});

Deno.test("WorkerPool stops the workers that have not ended, and waits for all", async () => {
  const { pool, first, second } = await startedPool();
  first.say({ kind: "ended" });
  pool.stop();
  assertEquals([first.received, second.received], [[], [{ kind: "stop" }]]);
  let hasEnded = false;
  const ended = pool.ended().then(() => hasEnded = true);
  await turn();
  assertEquals(hasEnded, false);
  second.say({ kind: "ended" });
  await ended;
  assertEquals([first.isTerminated, pool.failed.aborted], [false, false]);
  pool[Symbol.dispose]();
  assertEquals([first.isTerminated, second.isTerminated], [true, true]);
});

Deno.test("WorkerPool reports a worker that fails later", async () => {
  const { pool, second } = await startedPool();
  using _pool = pool;
  second.say({ kind: "failed", failure: FAILURE });
  await assertRejects(() => pool.ended(), WorkerError, "address in use");
  assertEquals([pool.failed.aborted, pool.failed.reason.message], [true, "address in use"]);
});

Deno.test("WorkerPool merges the statistics of the threads that are still there", async () => {
  const { pool, first, second } = await startedPool();
  using _pool = pool;
  const source: StatsSource = { snapshot: () => Promise.resolve(snapshotOf(1)) };
  const seen = pool.seenWith(source);
  const whole = Promise.resolve(seen.snapshot(true));
  const [asked] = first.received;
  assertEquals(asked, { kind: "snapshot", id: 1, withConnections: true });
  first.say({ kind: "snapshot", id: 1, snapshot: snapshotOf(10) });
  // An answer that nobody waits for.
  first.say({ kind: "snapshot", id: 1, snapshot: snapshotOf(1_000) });
  // It ends instead of answering.
  second.say({ kind: "ended" });
  assertEquals((await whole).accepted, 11);
  const rest = Promise.resolve(seen.snapshot(false));
  assertEquals([first.received.at(-1), second.received.length], [
    { kind: "snapshot", id: 2, withConnections: false },
    1,
  ]);
  first.say({ kind: "snapshot", id: 2, snapshot: snapshotOf(100) });
  assertEquals((await rest).accepted, 101);
});
