import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Figures, WorkResult } from "../../../scripts/bench/measure.ts";
import { markdown, table, timesAsGood } from "../../../scripts/bench/report.ts";

function figures(contender: string, rate: number | undefined, rest: Partial<Figures> = {}): Figures {
  return {
    contender,
    rate,
    rates: [],
    p99us: undefined,
    cpuUs: undefined,
    kernelPart: undefined,
    others: undefined,
    ...rest,
  };
}

const RESULT: WorkResult = {
  id: "start",
  title: "start-up",
  unit: "ms",
  better: "less",
  reference: "Node net",
  figures: [
    figures("parley, compiled", undefined, { note: "missing: dist/parley-server" }),
    figures("parley, deno run", 50, { p99us: 900, cpuUs: 8, kernelPart: 0.5 }),
    figures("Node net", 100, { p99us: 1_500, cpuUs: 4, kernelPart: 0.95 }),
  ],
};

Deno.test("timesAsGood() is above 1 for the better figure, whichever way is better", () => {
  assertEquals(timesAsGood("more", 60, 40), 1.5);
  assertEquals(timesAsGood("less", 60, 40), 40 / 60);
  assertEquals(timesAsGood("more", 60, undefined), undefined);
});

Deno.test("table() names what is missing, and leaves out columns that nobody has", () => {
  const [, head, missing, own] = table({ ...RESULT, figures: RESULT.figures.slice(0, 2) }).split("\n");
  assertEquals(head?.trim().split(/ +/), ["ms", "p99", "CPU", "for", "one", "kernel's"]);
  assertStringIncludes(missing ?? "", "missing: dist/parley-server");
  assertStringIncludes(own ?? "", "900 us");
});

Deno.test("markdown() gives the first of ours that was measured, its ratio, both p99 and the others", () => {
  assertEquals(
    markdown([RESULT]),
    "- **start-up**: 50 ms (deno run), 2.00 of Node net; p99 900 us, theirs 1.5 ms; " +
      "processor time 8 us (50% kernel), theirs 4 us (95% kernel); " +
      "others: parley, compiled missing: dist/parley-server, Node net 100.\n",
  );
});
