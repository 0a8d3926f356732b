import type { Growth, Point } from "./growth.ts";
import { escapeMarkup } from "../../src/commands/client/bench/svg_plot.ts";

const WIDTH = 420;
const HEIGHT = 280;
const MARGIN = { left: 64, right: 30, top: 34, bottom: 44 };
const COLORS = ["#2563eb", "#9ca3af", "#d97706", "#059669"];

const IN_A_ROW = 3;

/** Plots in rows; both axes of each start at zero. */
export function plots(growths: readonly Growth[]): string {
  const width = WIDTH * Math.min(IN_A_ROW, growths.length);
  const height = HEIGHT * Math.ceil(growths.length / IN_A_ROW);
  const parts = growths.map((growth, index) => {
    const [left, top] = [WIDTH * (index % IN_A_ROW), HEIGHT * Math.floor(index / IN_A_ROW)];
    return `<g transform="translate(${left} ${top})">${plot(growth)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    "<style>text{font:11px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:13px}" +
    "line{stroke:#d1d5db}polyline{fill:none;stroke-width:2}</style>" +
    `<rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}

function plot({ title, xLabel, yLabel, series }: Growth): string {
  const all = series.flatMap(({ points }) => points);
  const max = { x: Math.max(1, ...all.map(({ x }) => x)), y: niceTop(Math.max(...all.map(({ y }) => y))) };
  const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const place = ({ x, y }: Point): [number, number] => [
    MARGIN.left + inner.width * x / max.x,
    MARGIN.top + inner.height * (1 - y / max.y),
  ];
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const [left, top] = place({ x: 0, y: max.y * part });
    return `<line x1="${left}" x2="${left + inner.width}" y1="${top}" y2="${top}"/>` +
      `<text x="${left - 6}" y="${top + 4}" text-anchor="end">${number(max.y * part)}</text>`;
  });
  const ticks = [0, 0.5, 1].map((part) => {
    const [left, top] = place({ x: max.x * part, y: 0 });
    return `<text x="${left}" y="${top + 16}" text-anchor="middle">${number(max.x * part)}</text>`;
  });
  const lines = series.map(({ name, points }, index) => {
    const color = COLORS[index % COLORS.length];
    const path = points.map((point) => place(point).map((value) => value.toFixed(1)).join(",")).join(" ");
    const dots = points.map((point) => {
      const [x, y] = place(point);
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${color}"/>`;
    });
    const label = `<text x="${MARGIN.left + 10}" y="${MARGIN.top + 14 + index * 14}" style="fill:${color}">${
      escapeMarkup(name)
    }</text>`;
    return `<polyline points="${path}" stroke="${color}"/>${dots.join("")}${label}`;
  });
  return `<text x="${MARGIN.left}" y="18" class="title">${escapeMarkup(title)}</text>${grid.join("")}${
    ticks.join("")
  }` +
    `${lines.join("")}<text x="${MARGIN.left + inner.width / 2}" y="${HEIGHT - 8}" text-anchor="middle">${
      escapeMarkup(xLabel)
    }</text><text x="12" y="${MARGIN.top + inner.height / 2}" text-anchor="middle" ` +
    `transform="rotate(-90 12 ${MARGIN.top + inner.height / 2})">${escapeMarkup(yLabel)}</text>`;
}

/** The next of 1, 2, 5, 10, 20, ... at or above. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}
