import { type Histogram, newHistogram } from "./histogram.ts";

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
