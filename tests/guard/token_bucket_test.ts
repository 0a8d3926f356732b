import { assert, assertEquals, assertFalse } from "@std/assert";
import { TokenBucket } from "../../src/guard/token_bucket.ts";

Deno.test("take() lets a burst through and then returns how long to wait", () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  assertEquals([1, 2, 3, 4, 5].map(() => bucket.take(1, 0)), [0, 0, 0, 500, 1_000]);
  assertEquals(bucket.take(1, 1_500), 0);
});

Deno.test("tryTake() takes nothing when there are too few tokens", () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 0);
  assert(bucket.tryTake(1, 0));
  assertFalse(bucket.tryTake(1, 999));
  assert(bucket.tryTake(1, 1_000));
});

Deno.test("a bucket never holds more than its burst, after any idle time or if the clock is set back", () => {
  const bucket = new TokenBucket({ perSecond: 5 }, 0);
  assertFalse(bucket.tryTake(6, 3_600_000));
  assert(bucket.tryTake(5, 3_600_000));
  assertEquals(bucket.take(1, 0), 200);
});

Deno.test("giveBack() returns taken tokens, and never more than the burst", () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 2 }, 0);
  assert(bucket.tryTake(2, 0));
  assertFalse(bucket.isFull(0));
  bucket.giveBack(1);
  assert(bucket.tryTake(1, 0));
  bucket.giveBack(5);
  assert(bucket.isFull(0));
  assertFalse(bucket.tryTake(3, 0));
});

Deno.test("a bucket for less than one a second still holds one", () => {
  assert(new TokenBucket({ perSecond: 0.5 }, 0).tryTake(1, 0));
});
