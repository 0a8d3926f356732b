/**
 * The results in the benchmarks' README: a narrow table of ratios, and a chart of them.
 *
 * @module
 */

import { escapeMarkup } from "../../src/commands/client/bench/svg_plot.ts";
import type { Figures, MeasureOptions, WorkResult } from "./measure.ts";
import { sourcePath } from "./paths.ts";
import { run } from "./process.ts";
import { bestOf, markdown, timesAsGood } from "./report.ts";

const README = sourcePath("README.md");
const IMAGE = sourcePath("../../.github/images/bench.svg");
const TABLE = /(<!-- bench: [^\n]*-->\n)[\s\S]*?(<!-- \/bench -->)/;

/** One work: the figures of ours, of the best peer and of the limit. */
interface Row {
  readonly title: string;
  readonly own: Figures | undefined;
  readonly peer: Figures | undefined;
  readonly limit: Figures | undefined;
  /** Ratios of ours to the peer, and to the limit. */
  readonly ratios: readonly [peer: number | undefined, limit: number | undefined];
}

/** Uses the first of ours; the limit is the reference, unless that is a peer. */
function rowOf(result: WorkResult): Row {
  const { title, better, figures } = result;
  const measured = figures.filter(({ rate }) => rate !== undefined);
  const own = measured.find(({ role }) => role === "ours");
  const peer = bestOf(result, "peer");
  const reference = measured.find((one) => one !== own && one.role !== "peer" && one.contender === result.reference);
  const limit = reference ?? bestOf(result, "limit");
  const ratioTo = (other: Figures | undefined) => own?.rate && timesAsGood(better, own.rate, other?.rate) || undefined;
  return { title, own, peer, limit, ratios: [ratioTo(peer), ratioTo(limit)] };
}

/** All results as a Markdown table. */
export function ratioTable(results: readonly WorkResult[]): string {
  const rows = results.map((result) => {
    const { title, own, peer, limit, ratios } = rowOf(result);
    const named = (figures: Figures | undefined) =>
      figures === undefined ? "" : `${shortName(figures.contender)} ${amount(figures, result.unit)}`;
    return [
      title,
      own === undefined ? "none" : amount(own, result.unit),
      named(peer),
      named(limit),
      ...ratios.map((ratio) => ratio?.toFixed(2) ?? ""),
    ];
  });
  return markdown(["work", "Parley", "best peer", "limit", "to peer", "to limit"], rows);
}

function shortName(contender: string): string {
  return contender.replace(/^C epoll.*/, "C").replace(/^bare Deno .*/, "bare").replace("an empty program", "empty")
    .replace("Deno's own WebSocket", "Deno").replace("Python ", "").replace("3 servers ", "");
}

/** Three digits, which exceeds the precision of a shared machine: `275 k/s`, `1.61 k ms`. */
function amount({ rate = 0 }: Figures, unit: string): string {
  const [scale, prefix] = rate >= 999_500 ? [1e6, " M"] : rate >= 9_995 ? [1e3, " k"] : [1, ""];
  const digits = Number((rate / scale).toPrecision(3)).toLocaleString("en-US");
  return `${digits}${prefix}${unit.endsWith("/s") ? "/s" : ` ${unit.replace("bytes", "B")}`}`;
}

const ROW_HEIGHT = 18;
const TITLE_WIDTH = 320;
const BAR_WIDTH = 440;
/** Bars of larger ratios are cut off, and labelled with the ratio. */
const MAX_RATIO = 2.5;

/** A bar per work, as long as our ratio to the best peer, with a mark at the ratio to the limit. */
export function ratioSvg(results: readonly WorkResult[]): string {
  const rows = results.map(rowOf).filter(({ ratios }) => ratios.some((ratio) => ratio !== undefined));
  const height = ROW_HEIGHT * (rows.length + 2) + 10;
  const x = (ratio: number) => TITLE_WIDTH + BAR_WIDTH * Math.min(ratio, MAX_RATIO) / MAX_RATIO;
  const parts = rows.map(({ title, ratios: [peer, limit] }, index) => {
    const y = ROW_HEIGHT * (index + 2);
    const end = Math.max(x(peer ?? 0), x(limit ?? 0)) + 8;
    const bar = peer === undefined
      ? ""
      : `<rect x="${TITLE_WIDTH}" y="${y - 11}" width="${(x(peer) - TITLE_WIDTH).toFixed(1)}" height="12"/>` +
        `<text x="${end.toFixed(1)}" y="${y}">${peer.toFixed(2)}</text>`;
    const mark = limit === undefined ? "" : `<circle cx="${x(limit).toFixed(1)}" cy="${y - 5}" r="4"/>`;
    return `<text x="${TITLE_WIDTH - 8}" y="${y}" text-anchor="end">${escapeMarkup(title)}</text>${bar}${mark}`;
  });
  const width = TITLE_WIDTH + BAR_WIDTH + 60;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    "<style>text{font:12px system-ui,sans-serif;fill:#333}rect{fill:#2563eb}circle{fill:#d97706}line{stroke:#9ca3af}" +
    `.paper{fill:#fff}</style><rect width="100%" height="100%" class="paper"/>` +
    `<text x="${TITLE_WIDTH}" y="14">bars: Parley to the best peer; dots: to C or the bare runtime; line: 1.0</text>` +
    `<line x1="${x(1)}" x2="${x(1)}" y1="20" y2="${height - 6}"/>${parts.join("")}</svg>\n`;
}

/** Replaces what is between the markers of the benchmarks' README by these tables, and the chart. */
export async function writeReadme(
  results: readonly WorkResult[],
  tables: string,
  { rounds, seconds }: MeasureOptions,
): Promise<void> {
  const text = await Deno.readTextFile(README);
  if (!TABLE.test(text)) {
    throw new Error("Cannot put the table into scripts/bench/README.md: it has no <!-- bench: ... --> mark");
  }
  const circumstances = `One run, ${navigator.hardwareConcurrency} cores, ${new Date().toISOString().slice(0, 10)}, ` +
    `\`--rounds ${rounds} --seconds ${seconds}\`:`;
  const block = `${circumstances}\n\n${tables}`;
  await Deno.writeTextFile(README, text.replace(TABLE, (_, begin, end) => `${begin}\n${block}\n${end}`));
  await Deno.writeTextFile(IMAGE, ratioSvg(results));
  await run([Deno.execPath(), "fmt", "--quiet", README]);
}
