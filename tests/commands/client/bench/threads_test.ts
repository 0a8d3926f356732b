import { assertEquals, assertRejects } from "@std/assert";
import { runThreads } from "../../../../src/commands/client/bench/threads.ts";
import { LOAD_PLAN } from "../../../support/load_plan.ts";

const PLAN = { ...LOAD_PLAN, durationMs: 60_000 };

/** What the threads have received, and when all have been terminated. */
class FakeThreads {
  readonly received: string[] = [];
  readonly allTerminated = Promise.withResolvers<void>();
  running = 0;
}

/** A thread that is ready for messages at once, and ends when it has been told to finish. */
class FakeWorker {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onerror: unknown;
  readonly #threads: FakeThreads;
  readonly #onPlan: (fail: (message: string) => void) => void;

  constructor(threads: FakeThreads, onPlan: (fail: (message: string) => void) => void) {
    this.#threads = threads;
    this.#onPlan = onPlan;
    threads.running++;
    setTimeout(() => this.#say({ kind: "hello" }), 0);
  }

  postMessage({ kind }: { kind: string }): void {
    this.#threads.received.push(kind);
    if (kind === "finish") queueMicrotask(() => this.#fail("interrupted"));
    else this.#onPlan((message) => this.#fail(message));
  }

  terminate(): void {
    if (--this.#threads.running === 0) this.#threads.allTerminated.resolve();
  }

  #fail(message: string): void {
    this.#say({ kind: "failed", failure: { name: "Error", message, endpoint: undefined, exitCode: 1 } });
  }

  #say(data: unknown): void {
    this.onmessage?.({ data });
  }
}

async function withFakeWorkers(
  onPlan: (fail: (message: string) => void) => void,
  use: (threads: FakeThreads) => Promise<void>,
): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  const threads = new FakeThreads();
  const value = function () {
    return new FakeWorker(threads, onPlan);
  };
  Object.defineProperty(globalThis, "Worker", { value, configurable: true });
  try {
    await use(threads);
  } finally {
    Object.defineProperty(globalThis, "Worker", own ?? {});
  }
}

Deno.test("runThreads() also interrupts threads that have started after the signal", async () => {
  using timers = new DisposableStack();
  // A plan alone would run for its duration.
  const failLater = (fail: (message: string) => void) =>
    timers.adopt(setTimeout(() => fail("not interrupted"), 0), clearTimeout);
  await withFakeWorkers(failLater, async (threads) => {
    const options = { workers: 2, signal: AbortSignal.abort(new Error("stopped")), onProgress() {} };
    await assertRejects(() => runThreads(PLAN, options), Error, "stopped");
    await threads.allTerminated.promise;
    assertEquals(threads.received.toSorted(), ["finish", "finish", "plan", "plan"]);
  });
});

Deno.test("runThreads() ends the other threads when one fails", async () => {
  let plans = 0;
  const failLast = (fail: (message: string) => void) => ++plans === 2 && queueMicrotask(() => fail("one failed"));
  await withFakeWorkers(failLast, async (threads) => {
    const options = { workers: 2, signal: new AbortController().signal, onProgress() {} };
    await assertRejects(() => runThreads(PLAN, options), Error, "one failed");
    assertEquals(threads.received, ["plan", "plan", "finish"]);
    await threads.allTerminated.promise;
  });
});
