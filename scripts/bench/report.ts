import { escapeMarkup } from "../../src/commands/client/bench/svg_plot.ts";
import type { Figures, WorkResult } from "./measure.ts";
import { percent } from "./profile.ts";

/** A work's table: rate, ratio to the reference and to the best peer, p99, processor time. */
export function table(result: WorkResult): string {
  const { figures, unit, better } = result;
  const reference = figures.find(({ contender }) => contender === result.reference);
  const best = bestPeer(result);
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

/** How many times as good a figure is as another. */
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

/** All results as a Markdown list. */
export function markdown(results: readonly WorkResult[]): string {
  return results.map((result) => {
    const own = result.figures.find((figures) => isOurs(figures) && figures.rate !== undefined) ?? result.figures[0];
    if (own === undefined) return "";
    const others = result.figures.filter((figures) => figures !== own);
    const name = own.contender.replace(/^parley(?:, | |$)/, "");
    const reference = figuresOf(result, result.reference);
    const ratio = own.rate === undefined ? undefined : timesAsGood(result.better, own.rate, reference?.rate);
    const p99 = own.p99us === undefined || reference?.p99us === undefined
      ? ""
      : `p99 ${time(own.p99us)}, theirs ${time(reference.p99us)}`;
    const cpu = cpuText(own) === ""
      ? ""
      : `processor time ${cpuText(own)}${reference === own ? "" : `, theirs ${cpuText(reference)}`}`;
    const peers = others.map((other) =>
      `${other.contender} ${other.rate === undefined ? absence(other) : rounded(other.rate)}`
    );
    const rate = own.rate === undefined
      ? own.note ?? ""
      : `${rounded(own.rate)} ${result.unit}${name === "" ? "" : ` (${name})`}`;
    const facts = [
      ratio === undefined ? rate : `${rate}, ${ratio.toFixed(2)} of ${result.reference}`,
      p99,
      cpu,
      peers.length === 0 ? "" : `others: ${peers.join(", ")}`,
    ];
    return `- **${result.title}**: ${facts.filter((fact) => fact !== "").join("; ")}.\n`;
  }).join("");
}

/** Processor time for one, and the part of it that a server in any language leaves to the kernel. */
function cpuText(figures: Figures | undefined): string {
  const { cpuUs, kernelPart } = figures ?? {};
  if (cpuUs === undefined) return "";
  return `${Number(cpuUs.toPrecision(2))} us (${percent(kernelPart ?? 0)} kernel)`;
}

function time(us: number): string {
  if (us < 1_000) return `${us.toFixed(0)} us`;
  return us < 10_000 ? `${(us / 1_000).toFixed(1)} ms` : `${(us / 1_000).toFixed(0)} ms`;
}

function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

/** As precise as a run on a machine that others use can be. */
function rounded(value: number): string {
  return amount(Number(value.toPrecision(3)));
}

function absence({ note }: Figures): string {
  return note?.startsWith("missing") ? note : "none in time";
}

function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? "" : ratio.toFixed(2);
}

function isOurs({ contender }: Figures): boolean {
  return contender.startsWith("parley");
}

function bestPeer({ better, figures }: WorkResult): Figures | undefined {
  const peers = figures.filter((peer) => !isOurs(peer) && peer.rate !== undefined);
  return peers.sort((a, b) => ((b.rate ?? 0) - (a.rate ?? 0)) * (better === "more" ? 1 : -1))[0];
}

/** Rows of columns, the first to the left. */
export function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((cells) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("  ").trimEnd()
  ).map((line) => `  ${line}\n`).join("");
}

const BAR_HEIGHT = 18;
const LABEL_WIDTH = 230;
const CHART_WIDTH = 860;

/** All results as one drawing: a bar for each contender, its length the ratio to the longest of the work. */
export function svg(results: readonly WorkResult[]): string {
  const parts: string[] = [];
  let y = 30;
  for (const result of results) {
    const title = result.better === "less" ? `${result.title} (less is better)` : result.title;
    parts.push(`<text x="10" y="${y}" class="title">${escapeMarkup(title)}</text>`);
    y += 8;
    const max = Math.max(...result.figures.map(({ rate }) => rate ?? 0)) || 1;
    for (const figures of result.figures) {
      const { contender, rate, note } = figures;
      const width = (CHART_WIDTH - LABEL_WIDTH - 200) * (rate ?? 0) / max;
      const value = rate === undefined ? note ?? "no figure" : `${amount(rate)} ${result.unit}`;
      parts.push(
        `<text x="${LABEL_WIDTH - 8}" y="${y + 13}" class="name">${escapeMarkup(contender)}</text>`,
        `<rect x="${LABEL_WIDTH}" y="${y + 2}" width="${width.toFixed(1)}" height="${BAR_HEIGHT - 4}" class="${
          isOurs(figures) ? "ours" : "peer"
        }"/>`,
        `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 13}">${escapeMarkup(value.slice(0, 60))}</text>`,
      );
      y += BAR_HEIGHT;
    }
    y += 28;
  }
  const style = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:13px}" +
    ".name{text-anchor:end}.ours{fill:#2563eb}.peer{fill:#9ca3af}";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${CHART_WIDTH}" height="${y}" viewBox="0 0 ${CHART_WIDTH} ${y}">` +
    `<style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}
