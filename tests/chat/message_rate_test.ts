import { assert, assertEquals } from "@std/assert";
import { type ClientRate, MessageRate, MessageRates } from "../../src/chat/message_rate.ts";

Deno.test("take() lets a burst pass, then delays to the rate", () => {
  let nowMs = 0;
  const rate = new MessageRate({ burst: 5, perSecond: 2, now: () => nowMs });
  assertEquals(Array.from({ length: 7 }, () => rate.take()), [0, 0, 0, 0, 0, 500, 1_000]);
  nowMs = 10_000;
  assertEquals(rate.take(), 0);
});

Deno.test("take() mutes a client for 30 seconds (MUTE_MS) after repeated delays", () => {
  let nowMs = 0;
  const rate = new MessageRate({ burst: 1, perSecond: 2, now: () => nowMs });
  rate.take();
  for (let count = 0; count < 10; count++) {
    nowMs += rate.take();
    assertEquals(rate.isMuted, false);
  }
  // The one that mutes and those that are dropped wait for nothing.
  assertEquals([rate.take(), rate.take()], [0, 0]);
  assertEquals([rate.isMuted, rate.mutedText], [true, "30s"]);
  nowMs += 30_000;
  assertEquals([rate.isMuted, rate.take()], [false, 0]);
});

function ratesAt(clock: { nowMs: number }, perSecond: number | undefined = 1) {
  const rates = new MessageRates({ perSecond, burst: 2, now: () => clock.nowMs });
  return (address: string | undefined): ClientRate => {
    const rate = rates.enter(address);
    assert(rate !== undefined);
    return rate;
  };
}

Deno.test("MessageRates: connecting again gains nothing, from any address of the network (chat M2)", () => {
  for (
    const [first, second, isSame] of [
      ["192.0.2.1", "192.0.2.1", true],
      ["192.0.2.1", "::ffff:192.0.2.1", true],
      ["2001:db8::1", "2001:db8::2", true],
      [undefined, undefined, true],
      ["192.0.2.1", "192.0.2.2", false],
      ["2001:db8::1", "2001:db8:0:1::1", false],
    ] as const
  ) {
    const clock = { nowMs: 0 };
    const enter = ratesAt(clock);
    {
      using rate = enter(first);
      assertEquals([rate.take(), rate.take(), rate.take()], [0, 0, 1_000]);
    }
    using again = enter(second);
    assertEquals(again.take(), isSame ? 2_000 : 0, `${second} after ${first}`);
  }
});

Deno.test("MessageRates: many connections of one address have five times the rate together (chat M2)", () => {
  const enter = ratesAt({ nowMs: 0 });
  using stack = new DisposableStack();
  const waits = Array.from({ length: 12 }, () => stack.use(enter("192.0.2.1")).take());
  assertEquals(waits, [...Array.from({ length: 10 }, () => 0), 200, 400]);
  assertEquals(stack.use(enter("192.0.2.2")).take(), 0);
});

Deno.test("MessageRates: all connections of a login have one rate, also after leaving (chat M2)", () => {
  const enter = ratesAt({ nowMs: 0 });
  using first = enter("192.0.2.1");
  first.admit("bob");
  first.take();
  {
    using second = enter("192.0.2.2");
    second.admit("bob");
    assertEquals([second.take(), second.take()], [0, 1_000]);
  }
  using third = enter("192.0.2.3");
  third.admit("bob");
  assertEquals(third.take(), 2_000);
  using other = enter("192.0.2.3");
  other.admit("ann");
  assertEquals(other.take(), 0);
});

Deno.test("MessageRates: a client that leaves within the rate leaves no entry, and loopback has no limit by default", () => {
  const clock = { nowMs: 0 };
  const enter = ratesAt(clock);
  for (let round = 0; round < 3; round++) {
    using rate = enter("192.0.2.1");
    assertEquals([rate.take(), rate.take()], [0, 0]);
    clock.nowMs += 10_000;
  }
  const rates = new MessageRates({ perSecond: undefined, burst: 5 });
  assertEquals([rates.enter("127.0.0.1"), rates.enter("::1"), rates.enter(undefined)], [
    undefined,
    undefined,
    undefined,
  ]);
  assert(rates.enter("192.0.2.1") !== undefined);
});
