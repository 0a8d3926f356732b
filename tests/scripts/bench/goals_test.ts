import { assert, assertEquals } from "@std/assert";
import { GOALS, goalTables, missedGoals } from "../../../scripts/bench/goals.ts";
import type { Figures, WorkResult } from "../../../scripts/bench/measure.ts";
import { WORKS } from "../../../scripts/bench/works.ts";

function figures(contender: string, rate: number | undefined, role: Figures["role"] = "peer"): Figures {
  const none = { p99us: undefined, cpuUs: undefined, kernelPart: undefined, others: undefined };
  return { contender, role, rate, rates: rate === undefined ? [] : [rate], ...none };
}

function result(own: number, other: number | undefined, better: WorkResult["better"] = "more"): WorkResult {
  const both = [figures("parley", own, "ours"), figures("C", other)];
  return { id: "echo", title: "echo", unit: "messages/s", better, reference: "C", figures: both };
}

Deno.test("every goal is of a work that exists, and between contenders of it", () => {
  for (const [id, goals] of Object.entries(GOALS)) {
    const names = WORKS.find((work) => work.id === id)?.contenders.map(({ name }) => name);
    assert(names !== undefined, id);
    for (const { to, own = names[0] ?? "" } of goals) {
      assert(names.includes(to), `${id}: ${to}`);
      assert(names.includes(own), `${id}: ${own}`);
    }
  }
});

Deno.test("missedGoals() is empty for a goal that is reached exactly, and has the ratio that one below it reached", () => {
  const goals = [{ to: "C", ratio: 0.6 }];
  assertEquals(missedGoals(result(60, 100), goals), []);
  assertEquals(missedGoals(result(59, 100), goals), [{ own: "parley", to: "C", ratio: 0.6, reached: 0.59 }]);
});

Deno.test("missedGoals() inverts the ratio if less is better", () => {
  const goals = [{ to: "C", ratio: 0.5 }];
  assertEquals(missedGoals(result(200, 100, "less"), goals), []);
  assertEquals(missedGoals(result(250, 100, "less"), goals)[0]?.reached, 0.4);
});

Deno.test("missedGoals() compares another of ours if the goal names it, and leaves out what was not measured", () => {
  const both = result(100, 100);
  const three = { ...both, figures: [...both.figures, figures("parley --framing line", 10, "ours")] };
  const goal = { to: "C", ratio: 0.6, own: "parley --framing line" };
  assertEquals(missedGoals(three, [goal])[0]?.own, "parley --framing line");
  assertEquals(missedGoals(result(1, undefined), [{ to: "C", ratio: 0.6 }]), []);
});

Deno.test("goalTables() shows ratios of rates, inverted ratios of times, and profiles", () => {
  const missed = [{ own: "parley", to: "C", ratio: 0.5, reached: 0.4 }];
  const split = { ours: 0.1, packages: 0.02, runtime: 0.08, native: 0.75, garbage: 0.05 };
  const profiles = [{ contender: "parley", split, kernelPart: 0.6 }];
  const rates = goalTables([{ result: result(40, 100), missed, profiles }]).split("\n");
  assertEquals(rates[2], "| echo | parley | C | 0.50 | 0.40 |");
  assertEquals(rates[6], "| echo | parley |  | 12% | 8% | 75% | 5% | 60% |");
  const times = goalTables([{ result: result(250, 100, "less"), missed, profiles: [] }]).split("\n");
  assertEquals(times[2], "| echo | parley | C | 2.00 times | 2.50 times |");
});
