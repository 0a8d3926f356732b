import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

/** Latencies in microseconds, exact to three digits, up to an hour and beyond. */
export function newHistogram(): Histogram {
  return build({
    // Plain 32-bit counters are recorded in 50 ns, packed ones in 600.
    bitBucketSize: 32,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
}

/** The histogram as text, to be sent to another thread. */
export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** The histogram that {@linkcode encodeHistogram} made into text. */
export function decodeHistogram(text: string): Histogram {
  return decodeFromCompressedBase64(text, 32, false);
}

/**
 * The value below which `percentile` per cent of all lie, in milliseconds. The
 * histogram gives the end of a range, which may be beyond its greatest value.
 */
export function percentileMs(histogram: Histogram, percentile: number): number {
  return histogram.totalCount === 0
    ? 0
    : Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1_000;
}

export type { Histogram };

/** Up to here, in microseconds, the histogram keeps every value apart. */
const EXACT = 2_048;

/**
 * Records latencies in a histogram. Short ones, which on loopback nearly all
 * are, go into plain counters first: the histogram takes ten times as long for
 * each, which is felt at 150,000 answers a second.
 */
export class LatencyRecorder {
  readonly #histogram = newHistogram();
  readonly #counts = new Float64Array(EXACT);

  /** `count` latencies of so many milliseconds. */
  record(milliseconds: number, count: number): void {
    const microseconds = Math.round(milliseconds * 1_000);
    if (microseconds < EXACT) this.#counts[microseconds] = (this.#counts[microseconds] ?? 0) + count;
    else this.#histogram.recordValueWithCount(microseconds, count);
  }

  /** All that was recorded; valid until the next record. */
  get histogram(): Histogram {
    for (const [microseconds, count] of this.#counts.entries()) {
      if (count > 0) this.#histogram.recordValueWithCount(microseconds, count);
    }
    this.#counts.fill(0);
    return this.#histogram;
  }

  /** Forgets all of it. */
  reset(): void {
    this.#counts.fill(0);
    this.#histogram.reset();
  }
}

/** Latencies of one range, and how many there are. */
export interface HistogramRow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Each range is wider than the one before by at least this factor: the histogram is exact to three digits only. */
const MIN_FACTOR = 1.1;

/**
 * The latencies in ranges that grow by a constant factor, so that both the
 * body and the tail of the distribution show.
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
