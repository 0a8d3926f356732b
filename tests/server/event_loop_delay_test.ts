import { assert, assertGreaterOrEqual } from "@std/assert";
import { EventLoopDelay } from "../../src/server/event_loop_delay.ts";

Deno.test("take() gives the greatest delay once", async () => {
  using delay = new EventLoopDelay(10);
  const endMs = performance.now() + 200;
  while (performance.now() < endMs) {
    // Nothing else can happen meanwhile.
  }
  assertGreaterOrEqual(delay.take(), 180);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert(delay.take() < 10_000);
});
