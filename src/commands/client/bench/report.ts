import { escapeControls } from "../../../base/bytes.ts";
import { formatDuration, formatLatency, formatSize } from "../../../base/units.ts";
import type { Style } from "../../../cli/style.ts";
import { histogramRows } from "../../../load/histogram.ts";
import type { LoadPlan } from "../../../load/plan.ts";
import { type Latencies, latenciesOf, type LoadSummary } from "../../../load/summary.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";

const BAR_WIDTH = 40;

/** Describes the run in one line. */
export function planLine(plan: LoadPlan): string {
  const load = plan.rate === undefined ? `${plan.depth} in flight` : `${formatCount(plan.rate)}/s`;
  const span = plan.requests === undefined ? formatDuration(plan.durationMs) : `${formatCount(plan.requests)} messages`;
  const connections = plan.poolSize === undefined
    ? `${plan.connections} connections, ${load}`
    : `${plan.connections} callers, a pool of ${plan.poolSize}`;
  const framing = plan.framing === "raw" ? "" : `, ${plan.framing}`;
  return `${formatEndpoint(plan.endpoint)}: ${connections}, ${formatSize(plan.size)}${framing}, ${span}`;
}

/** The result as text. */
export function reportText(plan: LoadPlan, summary: LoadSummary, style: Style): string {
  const { answered, sent, lost, rate, elapsedMs } = summary;
  const bytesPerSecond = formatSize(Math.round(rate * plan.size));
  const rows: [string, string][] = [
    [
      "answers",
      `${formatCount(answered)} in ${formatDuration(elapsedMs)}: ${formatCount(rate)}/s, ${bytesPerSecond}/s each way`,
    ],
  ];
  if (answered > 0) rows.push(["latency", latencyText(latenciesOf(summary.latency))]);
  if (answered > 0 && plan.rate !== undefined) {
    rows.push(["service", `${latencyText(latenciesOf(summary.service))}, from the sending`]);
  }
  const lostText = `${formatCount(lost)} of ${formatCount(sent)}`;
  rows.push(["lost", lost > 0 ? style.bad(lostText) : lostText]);
  for (const [name, { count, example }] of summary.errors) {
    rows.push(["errors", style.bad(`${formatCount(count)} ${name}: ${escapeControls(example)}`)]);
  }
  const lines = rows.map(([name, text]) => `${style.strong(name.padEnd(8))} ${text}`);
  return [planLine(plan), "", ...lines, "", ...histogramLines(summary, style), ""].join("\n");
}

/** Formats a number with thousands separators. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** The progress line. */
export function progressLine(second: number, answered: number, p50Ms: number, p99Ms: number): string {
  return `${second}s  ${formatCount(answered)}/s  p50 ${formatLatency(p50Ms)}  p99 ${formatLatency(p99Ms)}`;
}

function latencyText(latencies: Latencies): string {
  return Object.entries(latencies).map(([name, ms]) => `${name} ${formatLatency(ms)}`).join("  ");
}

function histogramLines({ latency }: LoadSummary, style: Style): string[] {
  const rows = histogramRows(latency);
  const max = Math.max(...rows.map(({ count }) => count));
  const cells = rows.map(({ toMs, count }) => ({
    upTo: formatLatency(toMs),
    share: `${(count / latency.totalCount * 100).toFixed(2)}%`,
    bar: "█".repeat(Math.ceil(count / max * BAR_WIDTH)),
  }));
  const width = Math.max(0, ...cells.map(({ upTo }) => upTo.length));
  return cells.map(({ upTo, share, bar }) => `up to ${upTo.padStart(width)}  ${share.padStart(7)}  ${style.good(bar)}`);
}

/** The result as JSON; latencies are in milliseconds. */
export function reportObject(
  plan: LoadPlan,
  summary: LoadSummary,
  failed: readonly string[],
  exitCode: number,
): object {
  return {
    ok: exitCode === 0,
    exitCode,
    endpoint: formatEndpoint(plan.endpoint),
    plan: {
      connections: plan.connections,
      depth: plan.depth,
      size: plan.size,
      framing: plan.framing,
      rate: plan.rate,
      pool: plan.poolSize,
    },
    elapsedMs: Math.round(summary.elapsedMs),
    sent: summary.sent,
    answered: summary.answered,
    lost: summary.lost,
    rate: Math.round(summary.rate),
    latencyMs: latenciesOf(summary.latency),
    ...(plan.rate === undefined ? {} : { serviceMs: latenciesOf(summary.service) }),
    errors: Object.fromEntries(summary.errors),
    seconds: summary.seconds,
    failed,
  };
}
