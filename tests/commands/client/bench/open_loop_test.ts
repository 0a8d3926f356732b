import { assertEquals } from "@std/assert";
import type { Lane } from "../../../../src/commands/client/bench/lane.ts";
import { LoadRun } from "../../../../src/commands/client/bench/load_run.ts";
import type { LoadContext } from "../../../../src/commands/client/bench/loaded_lane.ts";
import type { LoadPlan } from "../../../../src/commands/client/bench/load_plan.ts";
import type { LaneOpener } from "../../../../src/commands/client/bench/open_lane.ts";
import { runOpenLoop } from "../../../../src/commands/client/bench/open_loop.ts";
import { Tally } from "../../../../src/commands/client/bench/tally.ts";
import { delay } from "../../../../src/net/wait.ts";

/** A lane that answers when it is told to. */
class HeldLane implements Lane<number> {
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
  // Nothing is opened: the lanes are there, and none fails.
  const opener = {} as LaneOpener;
  return { run, tally: new Tally(true), opener, [Symbol.dispose]: () => run[Symbol.dispose]() };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(1);
}

Deno.test("runOpenLoop() keeps 4,096 messages in flight on a lane at the most, and goes on when answers come", async () => {
  using context = contextFor(5_000);
  const lane = new HeldLane();
  const running = runOpenLoop([lane], { rate: 1e9, size: 64 }, context);
  await until(() => lane.sent === 4_096);
  await delay(20);
  assertEquals(lane.sent, 4_096);
  lane.answer(4_096);
  await until(() => lane.sent === 5_000);
  lane.answer(904);
  await running;
});

Deno.test("runOpenLoop() keeps no more than 4 MiB in flight on a lane, and one message at the least", async () => {
  for (const [size, most] of [[1024 * 1024, 4], [64 * 1024 * 1024, 1]] as const) {
    using context = contextFor(most + 1);
    const lane = new HeldLane();
    const running = runOpenLoop([lane], { rate: 1e9, size }, context);
    await until(() => lane.sent === most);
    await delay(20);
    assertEquals(lane.sent, most);
    lane.answer(most);
    await until(() => lane.sent === most + 1);
    lane.answer(1);
    await running;
  }
});

Deno.test("runOpenLoop() passes over a lane that has too much in flight", async () => {
  using context = contextFor(4_096 + 4_000);
  const [stuck, quick] = [new HeldLane(), new HeldLane()];
  const running = runOpenLoop([stuck, quick], { rate: 1e9, size: 64 }, context);
  await until(() => stuck.sent + quick.sent === 8_096);
  assertEquals(stuck.sent <= 4_096 && quick.sent <= 4_096, true);
  stuck.answer(stuck.sent);
  quick.answer(quick.sent);
  await running;
});
