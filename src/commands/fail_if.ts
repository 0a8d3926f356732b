import { UsageError } from "../base/errors.ts";
import { parseShare } from "../base/rates.ts";
import { formatLatency, parseDuration, roundTo } from "../base/units.ts";

/** A limit of `--fail-if`. */
export interface Limit<Run> {
  /** The original text. */
  readonly text: string;
  /** The metric. */
  readonly metric: string;
  /**
   * Describes the violation if the limit holds, so that the run fails; `undefined` if it does not or nothing was
   * measured.
   */
  violation(run: Run): string | undefined;
}

/** Metrics for limits: times in milliseconds, shares from 0 to 1, counts; `undefined` if nothing was measured. */
export interface Metrics<Run> {
  readonly times: Readonly<Record<string, (run: Run) => number | undefined>>;
  readonly shares: Readonly<Record<string, (run: Run) => number | undefined>>;
  readonly counts: Readonly<Record<string, (run: Run) => number | undefined>>;
  /** Percentiles such as `p99`. */
  readonly percentile: (run: Run, percent: number) => number | undefined;
  /** Example limits for messages. */
  readonly examples: string;
}

interface Metric<Run> {
  readonly of: (run: Run) => number | undefined;
  readonly parse: (text: string) => number;
  readonly format: (value: number) => string;
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
};

/**
 * Parses a limit: metric, comparison and bound, such as `p99>5ms`, `loss>=0.1%`, `errors>0`.
 *
 * @throws {UsageError} The text is not a limit.
 */
export function parseLimit<Run>(text: string, metrics: Metrics<Run>): Limit<Run> {
  const [, name = "", operator = "", bound = ""] = /^\s*([a-z]+[\d.]*)\s*(>=|<=|>|<)\s*(\S+)\s*$/.exec(text) ?? [];
  const metric = metricOf(name, metrics);
  const compare = COMPARE[operator];
  if (metric === undefined || compare === undefined) throw refusal(text, text, metrics);
  const limit = parseBound(bound, metric, text, metrics);
  return {
    text: `${name}${operator}${bound}`,
    metric: name,
    violation(run) {
      const value = metric.of(run);
      if (value === undefined || !compare(value, limit)) return undefined;
      return `${name}${operator}${bound} holds: ${name} is ${metric.format(value)}`;
    },
  };
}

function metricOf<Run>(name: string, { times, shares, counts, percentile }: Metrics<Run>): Metric<Run> | undefined {
  const [time, share, count] = [times, shares, counts].map((kind) =>
    Object.hasOwn(kind, name) ? kind[name] : undefined
  );
  if (time) return { of: time, parse: parseDuration, format: formatLatency };
  if (share) return { of: share, parse: parseShare, format: formatShare };
  if (count) return { of: count, parse: parseCount, format: formatCount };
  const percent = /^p\d+(?:\.\d+)?$/.test(name) ? Number(name.slice(1)) : NaN;
  if (!(percent <= 100)) return undefined;
  return { of: (run) => percentile(run, percent), parse: parseDuration, format: formatLatency };
}

function parseBound<Run>(bound: string, metric: Metric<Run>, text: string, metrics: Metrics<Run>): number {
  try {
    return metric.parse(bound);
  } catch (cause) {
    throw refusal(bound, text, metrics, cause);
  }
}

function refusal<Run>(what: string, text: string, { examples }: Metrics<Run>, cause?: unknown): UsageError {
  const where = what === text ? "" : ` in "${text}"`;
  return new UsageError(`--fail-if: Cannot parse "${what}"${where}: expected for example ${examples}`, { cause });
}

function parseCount(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new SyntaxError(`Cannot use "${text}" as a number`);
}

function formatCount(value: number): string {
  return String(roundTo(value, 1));
}

function formatShare(value: number): string {
  return `${Math.round(value * 1e6) / 1e4}%`;
}
