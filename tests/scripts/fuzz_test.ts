import { assert, assertEquals } from "@std/assert";
import { failureOf, keptInputs } from "../../scripts/fuzz.ts";
import { mutateBytes } from "../../scripts/fuzz/mutate_bytes.ts";
import { TARGETS } from "../../scripts/fuzz/targets.ts";
import { seededRandom } from "../../src/base/random.ts";

for (const target of TARGETS) {
  Deno.test(`${target.name} survives its seeds, earlier failures, and mutated input`, async () => {
    const random = seededRandom(7);
    const inputs = [...target.seeds, ...await keptInputs(target)];
    const [first = new Uint8Array(0)] = inputs;
    for (let count = 0; count < 20; count++) inputs.push(mutateBytes(first, first, random));
    for (const bytes of inputs) assertEquals(await failureOf(target, bytes), undefined);
  });
}

Deno.test("failureOf() reports what a target throws, and mutateBytes() repeats itself with its seed", async () => {
  const broken = { name: "broken", seeds: [], read: () => Promise.reject(new TypeError("a bug")) };
  assert((await failureOf(broken, new Uint8Array(1)))?.includes("a bug"));
  const once = () => mutateBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(4), seededRandom(3));
  assertEquals(once(), once());
});
