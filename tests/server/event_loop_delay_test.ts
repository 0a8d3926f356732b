import { assertEquals } from "@std/assert";
import { EventLoopDelay } from "../../src/server/event_loop_delay.ts";
import { FakeTime } from "../support/fake_time.ts";

Deno.test("EventLoopDelay keeps the maximum delay of a timer until it is taken", async () => {
  using time = new FakeTime();
  const delay = new EventLoopDelay(100);
  await time.advance(1_000);
  assertEquals(Math.round(delay.take()), 0);
  for (const ms of [350, 150]) {
    time.jump(ms);
    await time.advance(100);
  }
  assertEquals([Math.round(delay.take()), Math.round(delay.take())], [250, 0]);
  // A delay in progress counts too: the timer could not fire yet.
  time.jump(90);
  assertEquals(Math.round(delay.take()), 0);
  delay[Symbol.dispose]();
  assertEquals(time.timerCount, 0);
});
