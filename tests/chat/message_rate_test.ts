import { assertEquals } from "@std/assert";
import { MessageRate } from "../../src/chat/message_rate.ts";

Deno.test("take() lets a burst pass, then delays to the rate", () => {
  let nowMs = 0;
  const rate = new MessageRate({ burst: 5, perSecond: 2, now: () => nowMs });
  assertEquals(Array.from({ length: 7 }, () => rate.take()), [0, 0, 0, 0, 0, 500, 1_000]);
  nowMs = 10_000;
  assertEquals(rate.take(), 0);
});

Deno.test("take() mutes for 30 seconds who is delayed over and over", () => {
  let nowMs = 0;
  const rate = new MessageRate({ burst: 1, perSecond: 2, now: () => nowMs });
  rate.take();
  for (let count = 0; count < 10; count++) {
    nowMs += rate.take();
    assertEquals(rate.isMuted, false);
  }
  rate.take();
  assertEquals([rate.isMuted, rate.mutedText], [true, "30s"]);
  nowMs += 30_000;
  assertEquals([rate.isMuted, rate.take()], [false, 0]);
});
