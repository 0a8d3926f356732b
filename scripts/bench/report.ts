import type { Figures, WorkResult } from "./measure.ts";

/** A work's table: rate, ratio to the reference, to the best peer, p99. */
export function table(result: WorkResult): string {
  const reference = rateOf(result, result.reference);
  const peers = result.figures.filter(({ contender }) => !contender.startsWith("parley"));
  const bestPeer = Math.max(0, ...peers.map(({ rate }) => rate ?? 0));
  const rows = result.figures.map((figures) => row(figures, reference, bestPeer));
  const head = ["", result.unit, `of ${result.reference}`, "of best peer", "p99"];
  return `${result.title}\n${align([head, ...rows])}`;
}

/** The rate of one contender of a work, where it has one. */
export function rateOf(result: WorkResult, contender: string): number | undefined {
  return result.figures.find((figures) => figures.contender === contender)?.rate;
}

function row({ contender, rate, p99us, note }: Figures, reference: number | undefined, bestPeer: number): string[] {
  if (rate === undefined) return [contender, note ?? "no figure", "", "", ""];
  return [
    contender,
    rate.toLocaleString("en-US", { maximumFractionDigits: 0 }),
    reference ? (rate / reference).toFixed(2) : "",
    bestPeer > 0 ? (rate / bestPeer).toFixed(2) : "",
    p99us === undefined ? "" : `${p99us.toFixed(0)} us`,
  ];
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((cells) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))
      .join("  ").trimEnd()
  ).map((line) => `  ${line}\n`).join("");
}

const BAR_HEIGHT = 18;
const LABEL_WIDTH = 230;
const CHART_WIDTH = 860;

/** All results as one drawing: a bar for each contender, its length the ratio to the best of the work. */
export function svg(results: readonly WorkResult[]): string {
  const parts: string[] = [];
  let y = 30;
  for (const result of results) {
    parts.push(`<text x="10" y="${y}" class="title">${escapeXml(result.title)}</text>`);
    y += 8;
    const best = Math.max(1, ...result.figures.map(({ rate }) => rate ?? 0));
    for (const { contender, rate, note } of result.figures) {
      const width = (CHART_WIDTH - LABEL_WIDTH - 200) * (rate ?? 0) / best;
      const kind = contender.startsWith("parley") ? "ours" : "peer";
      const value = rate === undefined
        ? note ?? "no figure"
        : `${Math.round(rate).toLocaleString("en-US")} ${result.unit}`;
      parts.push(
        `<text x="${LABEL_WIDTH - 8}" y="${y + 13}" class="name">${escapeXml(contender)}</text>`,
        `<rect x="${LABEL_WIDTH}" y="${y + 2}" width="${width.toFixed(1)}" height="${
          BAR_HEIGHT - 4
        }" class="${kind}"/>`,
        `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${y + 13}">${escapeXml(value.slice(0, 60))}</text>`,
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

/** Text as XML writes it. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
