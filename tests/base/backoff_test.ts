import { assert, assertEquals } from "@std/assert";
import { Backoff } from "@parley/parley";

Deno.test("Backoff doubles each wait up to the longest, and starts over when reset", () => {
  const backoff = new Backoff({ first: 10, max: 70 });
  assertEquals(Array.from({ length: 5 }, () => backoff.next()), [10, 20, 40, 70, 70]);
  backoff.reset();
  assertEquals(backoff.next(), 10);
});

Deno.test("Backoff.isFresh is true until the first wait and after a reset", () => {
  const backoff = new Backoff();
  assert(backoff.isFresh);
  backoff.next();
  assert(!backoff.isFresh);
  backoff.reset();
  assert(backoff.isFresh);
});

Deno.test("Backoff leaves a part of each wait to chance", () => {
  const backoff = new Backoff({ first: 100, jitter: 0.5, random: () => 1 });
  assertEquals([backoff.next(), backoff.next()], [50, 100]);
  assertEquals(new Backoff({ first: 100, jitter: 0.5, random: () => 0 }).next(), 100);
});
