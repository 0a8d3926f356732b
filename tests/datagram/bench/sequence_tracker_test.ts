import { assertAlmostEquals, assertEquals } from "@std/assert";
import { SequenceTracker } from "../../../src/datagram/bench/sequence_tracker.ts";

function track(numbers: readonly number[]): SequenceTracker {
  const tracker = new SequenceTracker();
  for (const number of numbers) tracker.add(number, 0, 0);
  return tracker;
}

Deno.test("SequenceTracker counts repeated and reordered numbers", () => {
  const { received, unique, duplicated, reordered } = track([0, 1, 3, 2, 2, 4, 0]).report();
  assertEquals({ received, unique, duplicated, reordered }, { received: 7, unique: 5, duplicated: 2, reordered: 1 });
});

Deno.test("SequenceTracker does not count a number outside its window as repeated", () => {
  const { duplicated, unique } = track([0, 65_536, 131_072, 200_000, 200_000 - 65_535]).report();
  assertEquals({ duplicated, unique }, { duplicated: 0, unique: 5 });
});

Deno.test("SequenceTracker knows a repetition after a long gap", () => {
  assertEquals(track([5, 1_000_000, 999_999, 999_999, 1_000_000]).report().duplicated, 2);
});

Deno.test("SequenceTracker computes jitter as RFC 3550 does, whatever the clocks' distance", () => {
  const tracker = new SequenceTracker();
  // Sent every 10 ms; transit 1000, 1002, 1000: |D| is 2 twice.
  tracker.add(0, 0, 1_000);
  tracker.add(1, 10, 1_012);
  tracker.add(2, 20, 1_020);
  assertAlmostEquals(tracker.report().jitterMs, 2 / 16 + (2 - 2 / 16) / 16, 1e-9);
});
