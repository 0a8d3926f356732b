import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

/** Latencies in microseconds, with three significant digits, for an hour and more. */
export function newHistogram(): Histogram {
  return build({
    // Packed counters are much slower to record.
    bitBucketSize: 32,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
}

/** The histogram as text, to send it to another thread. */
export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** Decodes the text of {@linkcode encodeHistogram}. */
export function decodeHistogram(text: string): Histogram {
  return decodeFromCompressedBase64(text, 32, false);
}

/**
 * A percentile in milliseconds. The histogram returns the end of a bucket, which may exceed the maximum value.
 */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return histogram.totalCount === 0
    ? 0
    : Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1_000;
}

export type { Histogram };

/** Up to this value, in microseconds, each value has its own bucket in the histogram. */
const EXACT = 2_048;

/**
 * Records latencies in a histogram. Short ones, on loopback nearly all, are counted in an array first, because the
 * histogram is an order of magnitude slower for each value.
 */
export class LatencyRecorder {
  readonly #histogram = newHistogram();
  readonly #counts = new Float64Array(EXACT);

  /** Records `count` latencies of the same duration in milliseconds. */
  record(milliseconds: number, count: number): void {
    const microseconds = Math.round(milliseconds * 1_000);
    if (microseconds < EXACT) this.#counts[microseconds] = (this.#counts[microseconds] ?? 0) + count;
    else this.#histogram.recordValueWithCount(microseconds, count);
  }

  /** All recorded values; valid until the next record. */
  get histogram(): Histogram {
    for (const [microseconds, count] of this.#counts.entries()) {
      if (count > 0) this.#histogram.recordValueWithCount(microseconds, count);
    }
    this.#counts.fill(0);
    return this.#histogram;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#histogram.reset();
  }
}

/** A range of latencies, and its count. */
interface HistogramRow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Each range is wider than the previous one by at least this factor; the histogram has only three digits. */
const MIN_FACTOR = 1.1;

/**
 * The latencies in ranges that grow by a constant factor, so that both the body and the tail of the distribution are
 * visible.
 */
export function histogramRows(histogram: Histogram, maxRows = 14): HistogramRow[] {
  if (histogram.totalCount === 0) return [];
  const min = Math.max(1, histogram.minNonZeroValue);
  const max = Math.max(min + 1, histogram.maxValue);
  const ranges = Math.min(maxRows, Math.ceil(Math.log(max / min) / Math.log(MIN_FACTOR)));
  const factor = (max / min) ** (1 / ranges);
  let below = 0;
  return Array.from({ length: ranges }, (_, index) => {
    const upTo = index === ranges - 1 ? histogram.totalCount : countUpTo(histogram, min * factor ** (index + 1));
    const count = upTo - below;
    below = upTo;
    return { fromMs: min * factor ** index / 1_000, toMs: min * factor ** (index + 1) / 1_000, count };
  });
}

/** Number of latencies up to a value in microseconds. */
function countUpTo(histogram: Histogram, microseconds: number): number {
  return Math.round(percentileBelow(histogram, microseconds) / 100 * histogram.totalCount);
}

/** The percentile rank of a value, by bisection, since the library has only the inverse function. */
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
