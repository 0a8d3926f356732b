import { assertEquals } from "@std/assert";
import type { LoadConnection } from "../../src/load/connection.ts";
import { LoadRun } from "../../src/load/run.ts";
import type { LoadContext } from "../../src/load/tracked_connection.ts";
import type { LoadPlan } from "../../src/load/plan.ts";
import type { ConnectionOpener } from "../../src/load/tracked_connection.ts";
import { runOpenLoop } from "../../src/load/loops.ts";
import { Tally } from "../../src/load/tally.ts";
import { delay } from "../../src/net/wait.ts";
import { FakeTime } from "../support/fake_time.ts";

/** A connection that answers on demand. */
class HeldConnection implements LoadConnection<number> {
  sent = 0;
  readonly #answers: PromiseWithResolvers<number>[] = [Promise.withResolvers()];

  send(count: number): undefined {
    this.sent += count;
  }

  /** Answers everything that was sent until now. */
  answer(count: number): void {
    this.#answers.at(-1)?.resolve(count);
    this.#answers.push(Promise.withResolvers());
  }

  async receive(): Promise<number> {
    const [next] = this.#answers;
    const count = await next?.promise ?? 0;
    this.#answers.shift();
    return count;
  }

  answersIn(count: number): number {
    return count;
  }

  close(): void {
    this.#answers.at(-1)?.resolve(0);
  }
}

function contextFor(requests: number): LoadContext & Disposable {
  const run = new LoadRun({ timeoutMs: 60_000 } as LoadPlan);
  run.endAfterMessages(requests);
  // Nothing is opened: the connections are there, and none fails.
  const opener = {} as ConnectionOpener;
  return {
    run,
    tally: new Tally({ isOpenLoop: true, exitCodeOf: () => 1 }),
    opener,
    [Symbol.dispose]: () => run[Symbol.dispose](),
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(1);
}

Deno.test("runOpenLoop() keeps 4,096 messages in flight on a connection (MAX_IN_FLIGHT), and continues when replies arrive", async () => {
  using context = contextFor(5_000);
  const connection = new HeldConnection();
  const running = runOpenLoop([connection], { rate: 1e9, size: 64 }, context);
  await until(() => connection.sent === 4_096);
  await delay(20);
  assertEquals(connection.sent, 4_096);
  connection.answer(4_096);
  await until(() => connection.sent === 5_000);
  connection.answer(904);
  await running;
});

Deno.test("runOpenLoop() keeps at most 4 MiB in flight on a connection (MAX_BYTES_IN_FLIGHT), but at least one message", async () => {
  for (const [size, most] of [[1024 * 1024, 4], [64 * 1024 * 1024, 1]] as const) {
    using context = contextFor(most + 1);
    const connection = new HeldConnection();
    const running = runOpenLoop([connection], { rate: 1e9, size }, context);
    await until(() => connection.sent === most);
    await delay(20);
    assertEquals(connection.sent, most);
    connection.answer(most);
    await until(() => connection.sent === most + 1);
    connection.answer(1);
    await running;
  }
});

Deno.test("runOpenLoop() passes over a connection that has too much in flight", async () => {
  using context = contextFor(4_096 + 4_000);
  const [stuck, quick] = [new HeldConnection(), new HeldConnection()];
  const running = runOpenLoop([stuck, quick], { rate: 1e9, size: 64 }, context);
  await until(() => stuck.sent + quick.sent === 8_096);
  assertEquals(stuck.sent <= 4_096 && quick.sent <= 4_096, true);
  stuck.answer(stuck.sent);
  quick.answer(quick.sent);
  await running;
});

Deno.test("interrupt() waits 200 ms (INTERRUPTED_MS) for messages in flight, or less if the plan does", async () => {
  for (const timeoutMs of [60_000, 200, 100]) {
    using time = new FakeTime();
    using run = new LoadRun({ timeoutMs } as LoadPlan);
    const sentMs = performance.now();
    let givenUpMs = 0;
    run.add({ oldestMs: sentMs, giveUp: () => givenUpMs ||= performance.now() - sentMs });
    run.interrupt();
    const maxMs = Math.min(timeoutMs, 200);
    await time.advance(maxMs);
    assertEquals([givenUpMs, run.isOver, run.timeoutMs], [0, true, maxMs]);
    // The connections are looked at every 100 ms.
    await time.advance(100);
    assertEquals(givenUpMs, maxMs + 100);
  }
});
