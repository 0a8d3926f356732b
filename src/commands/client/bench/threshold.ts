import { UsageError } from "../../../base/errors.ts";
import { parseDuration } from "../../../base/units.ts";
import { percentileMs } from "./histogram.ts";
import { formatLatency } from "./report_text.ts";
import { errorCount, type LoadSummary } from "./summary.ts";

/** A limit on what a run came to. */
export interface Threshold {
  /** As it was given. */
  readonly text: string;
  /** What it looks at. */
  readonly metric: string;
  /** What it came to, for people, where it is past the limit; otherwise `undefined`. */
  violation(summary: LoadSummary): string | undefined;
}

interface Metric {
  readonly value: (summary: LoadSummary) => number;
  readonly parse: (text: string) => number;
  readonly format: (value: number) => string;
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

const EXAMPLES = "p99>5ms, max>=1s, errors>0, rate<10000, lost%>0.1";

/**
 * The threshold that a text names: a metric (`p50`, `p99.9`, `max`, `mean`,
 * `errors`, `rate`, `lost%`), a comparison, a limit. The run fails when it
 * holds.
 *
 * @throws {UsageError} It is none.
 */
export function parseThreshold(text: string): Threshold {
  const match = /^\s*(p\d+(?:\.\d+)?|max|mean|errors|rate|lost%?)\s*(>=|<=|>|<)\s*(\S+)\s*$/.exec(text);
  const [name, operator, limit] = [match?.[1], match?.[2], match?.[3]];
  const metric = name === undefined ? undefined : metricOf(name);
  const compare = COMPARE[operator ?? ""];
  if (name === undefined || metric === undefined || compare === undefined || limit === undefined) {
    throw new UsageError(`--fail-if: Cannot parse "${text}": it takes ${EXAMPLES}`);
  }
  let bound: number;
  try {
    bound = metric.parse(limit);
  } catch (error) {
    throw new UsageError(`--fail-if: Cannot parse "${limit}" in "${text}": it takes ${EXAMPLES}`, { cause: error });
  }
  return {
    text: `${name}${operator}${limit}`,
    metric: name,
    violation(summary) {
      const value = metric.value(summary);
      return compare(value, bound) ? metric.format(value) : undefined;
    },
  };
}

function metricOf(name: string): Metric | undefined {
  const latency = (value: Metric["value"]): Metric => ({ value, parse: parseDuration, format: formatLatency });
  const plain = (value: Metric["value"]): Metric => ({ value, parse: parseNumber, format: (found) => String(found) });
  if (name === "max") return latency(({ latency }) => latency.totalCount === 0 ? 0 : latency.maxValue / 1_000);
  if (name === "mean") return latency(({ latency }) => latency.totalCount === 0 ? 0 : latency.mean / 1_000);
  if (name === "errors") return plain(({ errors }) => errorCount(errors));
  if (name === "rate") return plain(({ rate }) => Math.round(rate));
  if (name === "lost") return plain(({ lost }) => lost);
  if (name === "lost%") return plain(({ lost, sent }) => sent === 0 ? 0 : Math.round(lost / sent * 1e6) / 1e4);
  const percentile = Number(name.slice(1));
  return percentile > 100 ? undefined : latency(({ latency }) => percentileMs(latency, percentile));
}

function parseNumber(text: string): number {
  const value = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : NaN;
  if (Number.isNaN(value)) throw new SyntaxError(`Cannot use "${text}" as a number`);
  return value;
}
