import { roundTo } from "../../../base/units.ts";

/** A point of a curve. */
export type Point = readonly [x: number, y: number];

/** One curve of a plot. */
interface Curve {
  readonly name: string;
  readonly color: string;
  readonly points: readonly Point[];
}

/** A mark on an axis. */
interface Tick {
  readonly at: number;
  readonly label: string;
}

/** A plot of curves over two axes. */
interface Plot {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly xTicks: readonly Tick[];
  readonly formatY: (value: number) => string;
}

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 80;
/** Space for half of the longest x label. */
const RIGHT = 44;
const TOP = 30;
const BOTTOM = 34;

/** Renders the plot as a self-contained SVG element. */
export function svgPlot({ title, curves, xTicks, formatY }: Plot): string {
  const points = curves.flatMap((curve) => curve.points);
  const xs = [...points.map(([x]) => x), ...xTicks.map(({ at }) => at)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const top = niceCeiling(Math.max(0, ...points.map(([, y]) => y)));
  const x = (value: number) => round(LEFT + (value - left) / (right - left || 1) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM));
  const yTicks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeMarkup(title)}">`,
    `<text x="${LEFT}" y="18" class="title">${escapeMarkup(title)}</text>`,
    ...yTicks.flatMap((value) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" class="grid"/>`,
      `<text x="${LEFT - 8}" y="${y(value) + 4}" class="y">${escapeMarkup(formatY(value))}</text>`,
    ]),
    ...xTicks.map(({ at, label }) => `<text x="${x(at)}" y="${HEIGHT - 12}" class="x">${escapeMarkup(label)}</text>`),
    ...curves.map(({ color, points }) =>
      `<polyline fill="none" stroke="${color}" stroke-width="2" points="${
        points.map(([px, py]) => `${x(px)},${y(py)}`).join(" ")
      }"/>`
    ),
    ...(curves.length > 1 ? legend(curves) : []),
    "</svg>",
  ].join("\n");
}

/** Escapes text for HTML and SVG. */
export function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function legend(curves: readonly Curve[]): string[] {
  return curves.map(({ name, color }, index) =>
    `<text x="${WIDTH - RIGHT - index * 70}" y="18" class="legend" style="fill:${color}">${escapeMarkup(name)}</text>`
  );
}

/** The next of 1, 2, 5, 10, ... at or above. */
function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * unit >= value) ?? 10) * unit;
}

function round(value: number): number {
  return roundTo(value, 1);
}
