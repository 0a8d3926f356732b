import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { seededRandom } from "../../src/base/random.ts";

function take(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
}

Deno.test("seededRandom() returns the same numbers for the same seed, others for the next", () => {
  assertEquals(take(7, 100), take(7, 100));
  assertNotEquals(take(7, 100), take(8, 100));
});

Deno.test("seededRandom() returns evenly distributed numbers from 0 up to 1, also for seed 0", () => {
  const numbers = take(0, 20_000);
  assert(numbers.every((number) => number >= 0 && number < 1));
  assertAlmostEquals(numbers.reduce((sum, number) => sum + number, 0) / numbers.length, 0.5, 0.01);
  assertAlmostEquals(numbers.filter((number) => number < 0.05).length / numbers.length, 0.05, 0.01);
});

Deno.test("seededRandom() returns an independent sequence for each path", () => {
  const firsts = [[], [0], [1], [0, 0], [0, 1], [1, 0], [1, 1]].map((path) => seededRandom(7, ...path)());
  assertEquals(new Set(firsts).size, firsts.length);
  assertEquals(seededRandom(7, 1, 1)(), seededRandom(7, 1, 1)());
});
