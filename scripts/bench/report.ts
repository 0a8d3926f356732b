import type { Figures, WorkResult } from "./measure.ts";
import { percent } from "./profile.ts";

/** The table of a work: rate, ratio to the reference and to the best peer, p99, processor time. */
export function table(result: WorkResult): string {
  const { figures, unit, better } = result;
  const reference = figures.find(({ contender }) => contender === result.reference);
  const best = bestOf(result, "peer");
  const rows = figures.map((own) => {
    const { contender, rate, p99us, cpuUs, kernelPart, note } = own;
    if (rate === undefined) return [contender, note ?? "no figure", "", "", "", "", "", ""];
    return [
      contender,
      amount(rate),
      ratioText(timesAsGood(better, rate, reference?.rate)),
      ratioText(timesAsGood(better, rate, best?.rate)),
      p99us === undefined ? "" : `${p99us.toFixed(0)} us`,
      p99us === undefined || !reference?.p99us ? "" : (p99us / reference.p99us).toFixed(1),
      cpuUs === undefined ? "" : `${cpuUs.toPrecision(3)} us`,
      kernelPart === undefined ? "" : percent(kernelPart),
    ];
  });
  const head = ["", unit, `of ${result.reference}`, "of best peer", "p99", "to its p99", "CPU for one", "kernel's"];
  const used = head.map((_, column) => column < 2 || rows.some((row) => row[column] !== ""));
  return `${result.title}\n${align([head, ...rows].map((row) => row.filter((_, column) => used[column])))}`;
}

/** How many times better one figure is than another. */
export function timesAsGood(
  better: WorkResult["better"],
  own: number,
  other: number | undefined,
): number | undefined {
  if (!other || !own) return undefined;
  return better === "more" ? own / other : other / own;
}

/** The figures of one contender of a work. */
export function figuresOf(result: WorkResult, contender: string): Figures | undefined {
  return result.figures.find((figures) => figures.contender === contender);
}

function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "" : ratio.toFixed(2);
}

/** The best contender with this role. */
export function bestOf({ better, figures }: WorkResult, role: Figures["role"]): Figures | undefined {
  const measured = figures.filter((one) => one.role === role && one.rate !== undefined);
  return measured.toSorted((a, b) => ((b.rate ?? 0) - (a.rate ?? 0)) * (better === "more" ? 1 : -1))[0];
}

/** Aligns columns, the first one to the left. */
export function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((cells) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("  ").trimEnd()
  ).map((line) => `  ${line}\n`).join("");
}

/** A table in Markdown. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
