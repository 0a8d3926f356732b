import type { MeasuredTest } from "./coverage.ts";
import type { Mutant } from "./mutants.ts";
import { type Outcome, type RunOptions, runTests } from "./run_tests.ts";

/** The verdict on a fault; `timed out`: a test failed by its deadline, and does not without the fault. */
export type Verdict = "failed" | "timed out" | "hung" | "survived" | "not covered" | "type error";

/** The nearest tests to run for a fault, and their total time without it. */
const MAX_TESTS = 20;
const MAX_TOTAL_MS = 60_000;
const MIN_DEADLINE_MS = 5_000;
const MAX_DEADLINE_MS = 60_000;

/**
 * Runs the tests that execute a fault in a copy of the tree: the first one, and then the others together.
 *
 * @param isFull Whether to run each of them, not the nearest alone.
 */
export async function tryMutant(
  folder: string,
  mutant: Mutant,
  tests: readonly MeasuredTest[],
  isFull: boolean,
): Promise<Verdict> {
  const file = `${folder}/src/${mutant.path}`;
  const text = await Deno.readTextFile(file);
  const fault = text.slice(0, mutant.from) + mutant.after + text.slice(mutant.to);
  const [first, ...others] = isFull ? tests : nearest(tests);
  try {
    await Deno.writeTextFile(file, fault);
    for (const batch of [first === undefined ? [] : [first], others]) {
      if (batch.length === 0) continue;
      const outcome = await outcomeWith(batch, async (options) => {
        const names = batch.map(({ test }) => test);
        const outcome = await runTests(folder, names, options);
        // Among many tests one may fail by chance, which does not repeat.
        if (outcome === "failed" && batch.length > 1) return await runTests(folder, names, options);
        if (outcome === "passed" || outcome === "failed") return outcome;
        // The machine may be busier than it was when the tests were measured.
        await Deno.writeTextFile(file, text);
        const without = await runTests(folder, names, options);
        await Deno.writeTextFile(file, fault);
        return without === "passed" ? outcome : undefined;
      });
      if (outcome !== "passed") return outcome;
    }
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--lock=tests/deno.lock", `src/${mutant.path}`],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
    return code !== 0 ? "type error" : first === undefined ? "not covered" : "survived";
  } finally {
    await Deno.writeTextFile(file, text);
  }
}

/** Runs tests with more and more time until the outcome is due to the fault. */
async function outcomeWith(
  batch: readonly MeasuredTest[],
  run: (options: RunOptions) => Promise<Outcome | undefined>,
): Promise<Outcome> {
  const longestMs = Math.max(...batch.map(({ durationMs }) => durationMs));
  const totalMs = batch.reduce((sum, { durationMs }) => sum + durationMs, 0);
  for (let factor = 1;; factor *= 4) {
    const deadlineMs = Math.min(MAX_DEADLINE_MS, factor * Math.max(MIN_DEADLINE_MS, 2 * longestMs));
    const outcome = await run({ deadlineMs, timeoutMs: factor * 4 * totalMs + 3 * deadlineMs });
    if (outcome !== undefined) return outcome;
    if (deadlineMs === MAX_DEADLINE_MS) return "hung";
  }
}

function nearest(tests: readonly MeasuredTest[]): readonly MeasuredTest[] {
  let totalMs = 0;
  return tests.slice(0, MAX_TESTS).filter(({ durationMs }, index) => {
    totalMs += durationMs;
    return index === 0 || totalMs <= MAX_TOTAL_MS;
  });
}
