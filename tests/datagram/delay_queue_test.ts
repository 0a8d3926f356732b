import { assertEquals } from "@std/assert";
import { DelayQueue } from "../../src/datagram/delay_queue.ts";

Deno.test("DelayQueue runs actions in the order in which they are due", async () => {
  const queue = new DelayQueue(() => performance.now());
  const done: string[] = [];
  const nowMs = performance.now();
  queue.add(nowMs + 20, () => done.push("third"));
  queue.add(nowMs + 5, () => done.push("first"));
  queue.add(nowMs + 5, () => done.push("second"));
  await queue.whenEmpty();
  assertEquals(done, ["first", "second", "third"]);
});

Deno.test("DelayQueue.clear() discards pending actions and lets whenEmpty() settle", async () => {
  const queue = new DelayQueue(() => performance.now());
  queue.add(performance.now() + 60_000, () => {
    throw new Error("ran after it was discarded");
  });
  const empty = queue.whenEmpty();
  assertEquals(queue.clear(), 1);
  await empty;
});

Deno.test("DelayQueue waits for an action that is due after more than the longest timer (MAX_TIMER_MS)", async () => {
  const queue = new DelayQueue(() => performance.now());
  queue.add(performance.now() + 2 ** 31 + 1_000, () => {
    throw new Error("ran at once");
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(queue.clear(), 1);
});
