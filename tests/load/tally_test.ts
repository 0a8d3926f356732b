import { assertEquals } from "@std/assert";
import { InFlight } from "../../src/load/tally.ts";

function taken(inFlight: InFlight, count: number): [number, number, number][] {
  const found: [number, number, number][] = [];
  inFlight.answer(count, (intendedMs, sentMs, answered) => found.push([intendedMs, sentMs, answered]));
  return found;
}

Deno.test("take() gives the oldest messages first, those sent together at once", () => {
  const inFlight = new InFlight();
  inFlight.push(1, 2, 3);
  inFlight.push(4, 5, 1);
  assertEquals([inFlight.count, inFlight.oldestMs], [4, 2]);
  assertEquals(taken(inFlight, 2), [[1, 2, 2]]);
  assertEquals(taken(inFlight, 2), [[1, 2, 1], [4, 5, 1]]);
  assertEquals([inFlight.count, inFlight.oldestMs], [0, undefined]);
});

Deno.test("push() keeps the order when the ring grows after it has turned", () => {
  const inFlight = new InFlight();
  for (let at = 0; at < 3; at++) inFlight.push(at, at, 1);
  assertEquals(taken(inFlight, 2).length, 2);
  for (let at = 3; at < 40; at++) inFlight.push(at, at, 1);
  assertEquals(taken(inFlight, 38).map(([intendedMs]) => intendedMs), Array.from({ length: 38 }, (_, at) => at + 2));
});

Deno.test("clear() forgets what is in flight", () => {
  const inFlight = new InFlight();
  inFlight.push(1, 1, 5);
  inFlight.lose(() => {});
  assertEquals([inFlight.count, inFlight.oldestMs], [0, undefined]);
});
