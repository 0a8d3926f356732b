import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Figures, WorkResult } from "../../../scripts/bench/measure.ts";
import { ratioSvg, ratioTable } from "../../../scripts/bench/ratio_table.ts";
import { table, timesAsGood } from "../../../scripts/bench/report.ts";
import { WORKS } from "../../../scripts/bench/works.ts";

function figures(contender: string, rate: number | undefined, rest: Partial<Figures> = {}): Figures {
  return {
    contender,
    role: contender.startsWith("parley") ? "ours" : "peer",
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
    figures("C epoll", 4, { role: "limit" }),
  ],
};

Deno.test("timesAsGood() is above 1 for the better figure, whichever way is better", () => {
  assertEquals(timesAsGood("more", 60, 40), 1.5);
  assertEquals(timesAsGood("less", 60, 40), 40 / 60);
  assertEquals(timesAsGood("more", 60, undefined), undefined);
});

Deno.test("table() reports missing figures, and omits empty columns", () => {
  const [, head, missing, own] = table({ ...RESULT, figures: RESULT.figures.slice(0, 2) }).split("\n");
  assertEquals(head?.trim().split(/ +/), ["ms", "p99", "CPU", "for", "one", "kernel's"]);
  assertStringIncludes(missing ?? "", "missing: dist/parley-server");
  assertStringIncludes(own ?? "", "900 us");
});

Deno.test("ratioTable() lists the first measured one of ours, the best peer and the limit, and omits the rest", () => {
  assertEquals(ratioTable([RESULT]).split("\n").slice(2), [
    "| start-up | 50 ms | Node net 100 ms | C 4 ms | 2.00 | 0.08 |",
    "",
  ]);
  const nothing = { ...RESULT, figures: RESULT.figures.slice(0, 1) };
  assertEquals(ratioTable([nothing]).split("\n")[2], "| start-up | none |  |  |  |  |");
});

Deno.test("ratioTable() stays within 120 columns for every work", () => {
  const results = WORKS.map((work): WorkResult => ({
    ...work,
    figures: work.contenders.map(({ name, role }) =>
      figures(name, work.unit.endsWith("/s") ? 9_870_000 : 987, { role: role ?? "peer" })
    ),
  }));
  const rows = ratioTable(results).trim().split("\n").map((line) => line.slice(2, -2).split(" | "));
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  assert(widths.reduce((sum, width) => sum + width + 3, 1) <= 120, widths.join(", "));
});

Deno.test("ratioSvg() draws a bar and a dot for each work that has a ratio", () => {
  const text = ratioSvg([RESULT, { ...RESULT, figures: RESULT.figures.slice(0, 1) }]);
  assertEquals([text.match(/<circle/g)?.length, text.match(/height="12"/g)?.length], [1, 1]);
  assertStringIncludes(text, ">2.00<");
});
