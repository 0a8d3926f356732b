import type { Row } from "./layout.ts";

const FONT_SIZE = 13;
const CHARACTER = 7.8;
const LINE = 18;
const MARGIN = 16;
const BAR = 30;

const STYLE = `
  .screen { fill: #fbfbfa; stroke: #d0d4da; }
  .cover { fill: #fbfbfa; }
  .dot { fill: #d0d4da; }
  text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: #24292f; }
  .command, .continued { font-weight: 600; }
  .log { fill: #66707b; }
  .good { fill: #116329; }
  .bad { fill: #b3261e; }
  @media (prefers-color-scheme: dark) {
    .screen { fill: #15181d; stroke: #3a414b; }
    .cover { fill: #15181d; }
    .dot { fill: #3a414b; }
    text { fill: #e6e9ed; }
    .log { fill: #97a1ad; }
    .good { fill: #6fd18c; }
    .bad { fill: #ff8f87; }
  }
  .row { animation: hidden linear backwards; }
  .cover { transform: scaleX(0); transform-box: fill-box; transform-origin: right; animation: typed backwards; }
  @keyframes hidden { from, to { opacity: 0; } }
  @keyframes typed { from { transform: scaleX(1); } to { transform: scaleX(0); } }
  @media (prefers-reduced-motion: reduce) { .row, .cover { animation: none; } }
`;

/**
 * A session as a picture that plays once and then stays: each row is hidden until its time, and a cover moves off a
 * command character by character. A viewer without animation shows everything.
 */
export function sessionSvg(rows: readonly Row[], columns: number, title: string): string {
  const width = Math.round(columns * CHARACTER + 2 * MARGIN);
  const height = BAR + rows.length * LINE + MARGIN;
  const dots = [0, 1, 2].map((dot) => `<circle class="dot" cx="${MARGIN + 6 + dot * 18}" cy="16" r="5"/>`).join("");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="screen" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>${dots}`,
    ...rows.map((row, index) => rowSvg(row, BAR + index * LINE)),
    "</svg>\n",
  ].join("\n");
}

function rowSvg({ text, kind, atMs, typingMs }: Row, y: number): string {
  if (text === "") return "";
  const length = [...text].length;
  const width = round(length * CHARACTER);
  const line = `<text class="${kind}" x="${MARGIN}" y="${y + FONT_SIZE}" textLength="${width}">${
    escapeXml(text)
  }</text>`;
  const cover = typingMs === 0 ? "" : `<rect class="cover" x="${MARGIN}" y="${y}" width="${width}" height="${LINE}" ` +
    `style="animation-duration:${round(typingMs)}ms;animation-delay:${round(atMs)}ms;` +
    `animation-timing-function:steps(${length})"/>`;
  return `<g class="row" style="animation-duration:${round(atMs)}ms">${line}${cover}</g>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Escapes a text for XML; control characters, which XML forbids, are made visible. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
