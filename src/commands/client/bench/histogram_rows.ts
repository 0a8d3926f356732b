import type { Histogram } from "./histogram.ts";

/** Latencies of one range, and how many there are. */
export interface HistogramRow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** A range is at least that much longer than the one before: the histogram is exact to three digits only. */
const LEAST_FACTOR = 1.1;

/**
 * The latencies in ranges that grow by a constant factor, from the least to
 * the greatest: as many as fit, so that the body and the tail are both seen.
 */
export function histogramRows(histogram: Histogram, most = 14): HistogramRow[] {
  if (histogram.totalCount === 0) return [];
  const least = Math.max(1, histogram.minNonZeroValue);
  const greatest = Math.max(least + 1, histogram.maxValue);
  const ranges = Math.min(most, Math.ceil(Math.log(greatest / least) / Math.log(LEAST_FACTOR)));
  const factor = (greatest / least) ** (1 / ranges);
  let below = 0;
  return Array.from({ length: ranges }, (_, index) => {
    const upTo = index === ranges - 1 ? histogram.totalCount : countUpTo(histogram, least * factor ** (index + 1));
    const count = upTo - below;
    below = upTo;
    return { fromMs: least * factor ** index / 1_000, toMs: least * factor ** (index + 1) / 1_000, count };
  });
}

/** How many latencies are at most that long, in microseconds. */
function countUpTo(histogram: Histogram, microseconds: number): number {
  return Math.round(percentileBelow(histogram, microseconds) / 100 * histogram.totalCount);
}

/** The share, in per cent, of the latencies up to a value: found by halving, since the library has only the other way. */
function percentileBelow(histogram: Histogram, microseconds: number): number {
  let low = 0;
  let high = 100;
  if (histogram.getValueAtPercentile(100) <= microseconds) return 100;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (histogram.getValueAtPercentile(middle) <= microseconds) low = middle;
    else high = middle;
  }
  return low;
}
