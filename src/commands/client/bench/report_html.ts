import { formatDuration, formatLatency } from "../../../base/units.ts";
import { type Histogram, histogramRows, percentileMs } from "../../../load/histogram.ts";
import type { LoadPlan } from "../../../load/plan.ts";
import { latenciesOf, type LoadSummary } from "../../../load/summary.ts";
import { formatCount, planLine } from "./report.ts";
import { escapeMarkup, type Point, svgPlot } from "./svg_plot.ts";

const STYLE = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: .2em 1em .2em 0; text-align: left; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; margin: 1em 0; }
svg text { font-size: 11px; fill: currentColor; }
svg .title { font-size: 13px; font-weight: 600; }
svg .y, svg .legend { text-anchor: end; }
svg .x { text-anchor: middle; }
svg .grid { stroke: currentColor; stroke-opacity: .15; }
.failed { color: #c62828; }
`;

/** Percentiles of the curve, increasingly far into the tail. */
const TAIL = [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999];

/** A self-contained page with plots, without scripts or external resources. */
export function reportHtml(plan: LoadPlan, summary: LoadSummary, failed: readonly string[], madeAt: Date): string {
  const { answered, sent, lost, rate, errors } = summary;
  const rows: [string, string][] = [
    ["answers", `${formatCount(answered)} in ${formatDuration(summary.elapsedMs)}, ${formatCount(rate)}/s`],
    ...Object.entries(latenciesOf(summary.latency)).map(([name, ms]): [string, string] => [name, formatLatency(ms)]),
    ["lost", `${formatCount(lost)} of ${formatCount(sent)}`],
    ...[...errors].map(([name, { count, example }]): [string, string] => [name, `${formatCount(count)}: ${example}`]),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(planLine(plan))}</title>
<style>${STYLE}</style>
<h1>parley-client bench</h1>
<p>${escapeMarkup(planLine(plan))}<br><time>${madeAt.toISOString()}</time></p>
${failed.map((text) => `<p class="failed">${escapeMarkup(text)}</p>\n`).join("")}<table>
${rows.map(([name, text]) => `<tr><th>${escapeMarkup(name)}<td>${escapeMarkup(text)}`).join("\n")}
</table>
${percentilePlot(summary.latency)}
${distributionPlot(summary.latency)}
${ratePlot(summary)}
${latencyPlot(summary)}
</html>
`;
}

function percentilePlot(latency: Histogram): string {
  // Percentiles beyond the number of replies would only repeat the maximum.
  const known = TAIL.filter((percentile) => (1 - percentile / 100) * latency.totalCount >= 1 || percentile === 0);
  const place = (percentile: number) => -Math.log10(1 - percentile / 100);
  return svgPlot({
    title: "Latency by percentile",
    curves: [{
      name: "latency",
      color: "#2a7de1",
      points: known.map((percentile): Point => [place(percentile), percentileMs(latency, percentile)]),
    }],
    xTicks: known.filter((percentile) => ![75, 95, 99.5, 99.95].includes(percentile))
      .map((percentile) => ({ at: place(percentile), label: `${percentile}%` })),
    formatY: formatLatency,
  });
}

function distributionPlot(latency: Histogram): string {
  const rows = histogramRows(latency, 30);
  return svgPlot({
    title: "Replies by latency",
    curves: [{
      name: "answers",
      color: "#2a7de1",
      points: rows.flatMap((
        { count },
        index,
      ): Point[] => [[index, 0], [index, count], [index + 0.9, count], [index + 0.9, 0]]),
    }],
    xTicks: rows.flatMap(({ toMs }, index) => index % 5 === 4 ? [{ at: index + 1, label: formatLatency(toMs) }] : []),
    formatY: formatCount,
  });
}

function ratePlot({ seconds }: LoadSummary): string {
  return svgPlot({
    title: "Replies per second",
    curves: [{ name: "rate", color: "#2a7de1", points: seconds.map(({ answered }, index) => [index + 1, answered]) }],
    xTicks: secondTicks(seconds.length),
    formatY: formatCount,
  });
}

function latencyPlot({ seconds }: LoadSummary): string {
  return svgPlot({
    title: "Latency over time",
    curves: [
      { name: "p99", color: "#d9822b", points: seconds.map(({ p99Ms }, index) => [index + 1, p99Ms]) },
      { name: "p50", color: "#2a7de1", points: seconds.map(({ p50Ms }, index) => [index + 1, p50Ms]) },
    ],
    xTicks: secondTicks(seconds.length),
    formatY: formatLatency,
  });
}

function secondTicks(count: number): { at: number; label: string }[] {
  const step = Math.max(1, Math.ceil(count / 10));
  return Array.from({ length: count }, (_, index) => index + 1)
    .filter((second) => (second - 1) % step === 0)
    .map((second) => ({ at: second, label: `${second}s` }));
}
