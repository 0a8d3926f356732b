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
