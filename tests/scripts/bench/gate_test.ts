import { assertEquals, assertStringIncludes } from "@std/assert";
import { judge, ratioOf } from "../../../scripts/bench/gate.ts";
import type { Figures, WorkResult } from "../../../scripts/bench/measure.ts";

function figures(contender: string, rates: readonly number[], note?: string): Figures {
  const rate = note === undefined ? rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] : undefined;
  return {
    contender,
    role: contender === "parley" ? "ours" : "limit",
    rate,
    rates,
    p99us: undefined,
    cpuUs: undefined,
    kernelPart: undefined,
    others: undefined,
    ...(note === undefined ? {} : { note }),
  };
}

function result(own: Figures, reference: Figures, better: WorkResult["better"] = "more"): WorkResult {
  return { id: "echo", title: "echo", unit: "messages/s", better, reference: "C", figures: [own, reference] };
}

function ratioResult(ratio: number): WorkResult {
  return result(figures("parley", [ratio * 100]), figures("C", [100]));
}

/** Gives one result after another, and counts. */
function measuring(ratiosInTurn: readonly number[]): { measureOnce: () => Promise<WorkResult>; turns: () => number } {
  let turns = 0;
  return {
    measureOnce: () => Promise.resolve(ratioResult(ratiosInTurn[turns++] ?? 0)),
    turns: () => turns,
  };
}

Deno.test("ratioOf() takes the median of each round's ratio, not the ratio of the medians", () => {
  const slowMoment = result(figures("parley", [60, 30, 58]), figures("C", [100, 50, 100]));
  assertEquals(ratioOf(slowMoment), 0.6);
});

Deno.test("ratioOf() inverts the ratio if less is better", () => {
  assertEquals(ratioOf(result(figures("parley", [200]), figures("C", [100]), "less")), 0.5);
});

Deno.test("ratioOf() is undefined when one side could not be measured", () => {
  assertEquals(ratioOf(result(figures("parley", [60]), figures("C", [], "missing: gcc"))), undefined);
});

Deno.test("ratioOf() looks at processor time when other programs were busy, and only then", () => {
  const own = { ...figures("parley", [30]), cpuUs: 8 };
  const reference = { ...figures("C", [100]), cpuUs: 4 };
  assertEquals(ratioOf(result(own, { ...reference, others: 0.05 })), 0.3);
  assertEquals(ratioOf(result(own, { ...reference, others: 0.2 })), 0.5);
  assertEquals(ratioOf(result({ ...own, others: 0.2 }, reference)), 0.5);
});

Deno.test("ratioOf() keeps the ratio of the rates when it is the better one", () => {
  const own = { ...figures("parley", [60]), cpuUs: 8, others: 0.5 };
  assertEquals(ratioOf(result(own, { ...figures("C", [100]), cpuUs: 4 })), 0.6);
});

Deno.test("judge() measures once when the ratio is the minimum or more", async () => {
  const { measureOnce, turns } = measuring([0.45]);
  const verdict = await judge("echo", 0.45, measureOnce);
  assertEquals([verdict.hasFailed, verdict.ratio, turns()], [false, 0.45, 1]);
});

Deno.test("judge() measures again when the ratio is below the minimum, and the best counts", async () => {
  const { measureOnce, turns } = measuring([0.3, 0.5, 0.1]);
  const verdict = await judge("echo", 0.45, measureOnce);
  assertEquals([verdict.hasFailed, verdict.ratio, turns()], [false, 0.5, 2]);
});

Deno.test("judge() fails a work that is slower in three tries", async () => {
  const { measureOnce, turns } = measuring([0.36, 0.37, 0.35, 0.6]);
  const verdict = await judge("echo", 0.45, measureOnce);
  assertEquals([verdict.hasFailed, verdict.ratio, turns()], [true, 0.37, 3]);
  assertStringIncludes(verdict.text, "echo: 0.37, at least 0.45: below the minimum");
});

Deno.test("judge() judges nothing when other programs had most of the machine in every try", async () => {
  const busy = (others: number) => result(figures("parley", [30]), { ...figures("C", [100]), others });
  const verdict = await judge("echo", 0.45, () => Promise.resolve(busy(0.7)));
  assertEquals(verdict.hasFailed, false);
  assertStringIncludes(verdict.text, "not judged, other programs had 70% of the machine");
  assertEquals((await judge("echo", 0.45, () => Promise.resolve(busy(0.4)))).hasFailed, true);
});

Deno.test("judge() lets processor time decide when other programs had a part of the machine", async () => {
  const own = { ...figures("parley", [30]), cpuUs: 8, others: 0.3 };
  const slow = (cpuUs: number) => Promise.resolve(result(own, { ...figures("C", [100]), cpuUs }));
  assertEquals((await judge("echo", 0.45, () => slow(4))).hasFailed, false);
  assertEquals((await judge("echo", 0.45, () => slow(3))).hasFailed, true);
});

Deno.test("judge() does not measure again once the time is spent", async () => {
  const { measureOnce, turns } = measuring([0.3, 0.6]);
  const verdict = await judge("echo", 0.45, measureOnce, () => false);
  assertEquals([verdict.hasFailed, turns()], [true, 1]);
});

Deno.test("judge() fails a work that cannot be measured, and reports why", async () => {
  const unmeasured = result(figures("parley", [], "parley does not serve"), figures("C", [100]));
  const verdict = await judge("echo", 0.45, () => Promise.resolve(unmeasured));
  assertEquals(verdict.hasFailed, true);
  assertStringIncludes(verdict.text, "parley does not serve");
});
