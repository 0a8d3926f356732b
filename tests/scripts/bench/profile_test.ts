import { assertEquals } from "@std/assert";
import { type CpuProfile, splitOf } from "../../../scripts/bench/profile.ts";

const FRAMES = [
  ["serve", "file:///parley/src/services/echo.ts"],
  ["push", "file:///cache/npm/registry.npmjs.org/ws/8.23.0/lib/receiver.js"],
  ["read", "ext:deno_net/01_net.js"],
  ["op_write", ""],
  ["(garbage collector)", ""],
  ["(idle)", ""],
] as const;

/** A profile of samples of these frames, by index, each 100 us after the one before. */
function profileOf(samples: readonly number[]): CpuProfile {
  return {
    nodes: FRAMES.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } })),
    samples,
    timeDeltas: samples.map(() => 100),
  };
}

Deno.test("splitOf() attributes the time, except idle time", () => {
  const split = splitOf(profileOf([0, 1, 2, 3, 3, 4, 5, 5, 5, 5]), 1_000);
  const sixth = 1 / 6;
  assertEquals(split, { ours: sixth, packages: sixth, runtime: sixth, native: 2 * sixth, garbage: sixth });
});

Deno.test("splitOf() looks at the end of the profile only", () => {
  assertEquals(splitOf(profileOf([1, 1, 1, 1, 0, 3]), 200), {
    ours: 0.5,
    packages: 0,
    runtime: 0,
    native: 0.5,
    garbage: 0,
  });
});

Deno.test("splitOf() is nothing of a profile that was idle", () => {
  assertEquals(splitOf(profileOf([5, 5]), 1_000), { ours: 0, packages: 0, runtime: 0, native: 0, garbage: 0 });
});
