import { type Histogram, newHistogram, percentileMs } from "./histogram.ts";
import type { LoadEnd } from "./run_load.ts";
import type { ErrorCount, ErrorCounts, Sample } from "./tally.ts";

const PERCENTILES = [50, 90, 99, 99.9] as const;

/** One second of a run. */
interface Second {
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Latencies in milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly "p99.9": number;
  readonly max: number;
  readonly mean: number;
}

/** The result of a run. */
export interface LoadSummary {
  readonly elapsedMs: number;
  readonly sent: number;
  readonly answered: number;
  /** Sent and never answered. */
  readonly lost: number;
  /** Answers per second. */
  readonly rate: number;
  readonly latency: Histogram;
  readonly service: Histogram;
  readonly errors: ErrorCounts;
  readonly seconds: readonly Second[];
}

/** Adds up the samples of all threads. */
export class Collector {
  readonly #latency = newHistogram();
  readonly #service = newHistogram();
  readonly #errors = new Map<string, ErrorCount>();
  readonly #seconds: { answered: number; latency: Histogram }[] = [];
  #sent = 0;
  #answered = 0;
  #lost = 0;
  #elapsedMs = 0;

  /** Answers so far. */
  get answered(): number {
    return this.#answered;
  }

  /** The complete seconds so far. */
  get seconds(): readonly Second[] {
    return this.#seconds.map(({ answered, latency }) => ({
      answered,
      p50Ms: percentileMs(latency, 50),
      p99Ms: percentileMs(latency, 99),
    }));
  }

  /** Adds a thread's counts of one second. */
  add(second: number, sample: Sample): void {
    this.#sent += sample.sent;
    this.#answered += sample.answered;
    this.#lost += sample.lost;
    this.#latency.add(sample.latency);
    this.#service.add(sample.service);
    const slot = this.#seconds[second] ??= { answered: 0, latency: newHistogram() };
    slot.answered += sample.answered;
    slot.latency.add(sample.latency);
  }

  /** Notes that a thread has ended. */
  end({ elapsedMs, errors }: LoadEnd): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
    for (const [name, found] of errors) {
      const known = this.#errors.get(name);
      this.#errors.set(name, known ? { ...known, count: known.count + found.count } : found);
    }
  }

  summary(): LoadSummary {
    const elapsedMs = this.#elapsedMs;
    return {
      elapsedMs,
      sent: this.#sent,
      answered: this.#answered,
      lost: this.#lost,
      rate: elapsedMs === 0 ? 0 : this.#answered / elapsedMs * 1_000,
      latency: this.#latency,
      service: this.#service,
      errors: this.#errors,
      seconds: wholeSeconds(this.seconds, elapsedMs),
    };
  }
}

export function latenciesOf(histogram: Histogram): Latencies {
  const [p50, p90, p99, p999] = PERCENTILES.map((percentile) => percentileMs(histogram, percentile));
  const isEmpty = histogram.totalCount === 0;
  return {
    p50: p50 ?? 0,
    p90: p90 ?? 0,
    p99: p99 ?? 0,
    "p99.9": p999 ?? 0,
    max: isEmpty ? 0 : histogram.maxValue / 1_000,
    mean: isEmpty ? 0 : histogram.mean / 1_000,
  };
}

export function errorCount(errors: ErrorCounts): number {
  return errors.values().reduce((sum, { count }) => sum + count, 0);
}

/** The last sample covers only part of a second, and would look like a drop in throughput. */
function wholeSeconds(seconds: readonly Second[], elapsedMs: number): readonly Second[] {
  return seconds.length > 1 ? seconds.slice(0, Math.max(1, Math.floor(elapsedMs / 1_000))) : seconds;
}
