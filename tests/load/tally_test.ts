import { assertEquals } from "@std/assert";
import { InFlight } from "../../src/load/tally.ts";

function taken(inFlight: InFlight, count: number): [number, number, number][] {
  const found: [number, number, number][] = [];
  inFlight.answer(count, (intendedMs, sentMs, answered) => found.push([intendedMs, sentMs, answered]));
  return found;
}

Deno.test("take() returns the oldest messages first, those sent together at once", () => {
  const inFlight = new InFlight();
  inFlight.push(1, 2, 3);
  inFlight.push(4, 5, 1);
  assertEquals([inFlight.count, inFlight.oldestMs], [4, 2]);
  assertEquals(taken(inFlight, 2), [[1, 2, 2]]);
  assertEquals(taken(inFlight, 2), [[1, 2, 1], [4, 5, 1]]);
  assertEquals([inFlight.count, inFlight.oldestMs], [0, undefined]);
});

for (let turned = 0; turned <= 8; turned++) {
  Deno.test(`push() keeps the order when the ring grows after ${turned} messages were answered`, () => {
    const inFlight = new InFlight();
    for (let at = 0; at < turned; at++) {
      inFlight.push(at, at, 1);
      inFlight.answer(1, () => {});
    }
    for (let at = 0; at < 40; at++) inFlight.push(at, 1_000 + at, at + 1);
    assertEquals(inFlight.count, 820);
    assertEquals(taken(inFlight, 820), Array.from({ length: 40 }, (_, at) => [at, 1_000 + at, at + 1]));
  });
}

Deno.test("clear() forgets messages in flight", () => {
  const inFlight = new InFlight();
  inFlight.push(1, 1, 5);
  inFlight.lose(() => {});
  assertEquals([inFlight.count, inFlight.oldestMs], [0, undefined]);
});
