import { assertEquals, assertRejects } from "@std/assert";
import { runThreads } from "../../../../src/commands/client/bench/threads.ts";
import type { LoadPlan } from "../../../../src/load/plan.ts";

const PLAN: LoadPlan = {
  endpoint: { scheme: "tcp", host: "127.0.0.1", port: 1, path: "/" },
  connections: 2,
  depth: 1,
  size: 64,
  framing: "raw",
  rate: undefined,
  durationMs: 60_000,
  requests: undefined,
  warmupMs: 0,
  timeoutMs: 5_000,
  connect: {},
  poolSize: undefined,
};

/** A thread that is ready for messages at once, and ends when it has been told to finish. */
class FakeWorker {
  static readonly received: string[] = [];
  static readonly allTerminated = Promise.withResolvers<void>();
  static #running = 0;
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onerror: unknown;

  constructor() {
    FakeWorker.#running++;
    setTimeout(() => this.#say({ kind: "hello" }), 0);
  }

  postMessage({ kind }: { kind: string }): void {
    FakeWorker.received.push(kind);
    const failure = { name: "Error", message: "interrupted", endpoint: undefined, exitCode: 1 };
    if (kind === "finish") queueMicrotask(() => this.#say({ kind: "failed", failure }));
    // A plan alone would run for its duration.
    else setTimeout(() => this.#say({ kind: "failed", failure: { ...failure, message: "not interrupted" } }), 0);
  }

  terminate(): void {
    if (--FakeWorker.#running === 0) FakeWorker.allTerminated.resolve();
  }

  #say(data: unknown): void {
    this.onmessage?.({ data });
  }
}

Deno.test("runThreads() also interrupts threads that have started after the signal", async () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  Object.defineProperty(globalThis, "Worker", { value: FakeWorker, configurable: true });
  try {
    const options = { workers: 2, signal: AbortSignal.abort(new Error("stopped")), onProgress() {} };
    await assertRejects(() => runThreads(PLAN, options), Error, "stopped");
    await FakeWorker.allTerminated.promise;
  } finally {
    Object.defineProperty(globalThis, "Worker", own ?? {});
  }
  assertEquals(FakeWorker.received.toSorted(), ["finish", "finish", "plan", "plan"]);
});
