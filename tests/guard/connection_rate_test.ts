import { assert, assertEquals } from "@std/assert";
import { AddressBuckets } from "../../src/guard/address_buckets.ts";
import { ConnectionRate } from "../../src/guard/connection_rate.ts";

Deno.test("ConnectionRate rejects addresses that connect too often, and accepts them again as time passes", () => {
  let nowMs = 0;
  const rate = new ConnectionRate({ perSecond: 2, now: () => nowMs });
  const enter = () => rate.enter("192.0.2.1")?.reason;
  assertEquals([enter(), enter(), enter()], [undefined, undefined, "limit"]);
  assertEquals(rate.enter("192.0.2.2"), undefined);
  nowMs = 500;
  assertEquals([enter(), enter()], [undefined, "limit"]);
});

Deno.test("AddressBuckets forgets whom a new bucket would treat the same, and the oldest beyond its bound (MAX_ADDRESSES)", () => {
  const buckets = new AddressBuckets({ perSecond: 1, burst: 1 });
  for (let index = 0; index < 12_000; index++) {
    buckets.of(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, 0).tryTake(1, 0);
  }
  assertEquals(buckets.size, 10_000);
  buckets.of("192.0.2.1", 5_000);
  assert(buckets.size === 1, `${buckets.size} are remembered`);
});
