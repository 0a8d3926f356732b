import { roundTo } from "../../../base/units.ts";
import type { Measurement } from "../../../datagram/bench/measure.ts";
import { type Limit, type Metrics, parseLimit } from "../../fail_if.ts";
import { type Histogram, percentileMs } from "../../../load/histogram.ts";

const METRICS: Metrics<BenchResult> = {
  times: {
    jitter: ({ jitterMs }) => jitterMs,
    max: (result) => result.percentileMs(100),
  },
  shares: {
    loss: ({ loss }) => loss,
    dup: ({ dup }) => dup,
    reorder: ({ reorder }) => reorder,
    corrupt: ({ corrupt }) => corrupt,
  },
  counts: {
    lost: ({ lost }) => lost,
    rate: ({ perSecond }) => perSecond,
  },
  percentile: (result, percent) => result.percentileMs(percent),
  examples: "loss>1%, dup>0%, reorder>1%, corrupt>0%, jitter>5ms, p99>20ms, lost>0, rate<1000",
};

/**
 * A limit on the result.
 *
 * @throws {UsageError} The text cannot be parsed.
 */
export function parseDatagramLimit(text: string): Limit<BenchResult> {
  return parseLimit(text, METRICS);
}

const PERCENTS = [50, 90, 99, 99.9, 100] as const;

/** The subject of a measurement. */
interface BenchSubject {
  readonly target: string;
  /** Bytes of a datagram. */
  readonly size: number;
  /** In microseconds. */
  readonly roundTrips: Histogram;
}

/** The result of `parley-udp bench`, as text, as JSON, and for limits. */
export class BenchResult {
  readonly #measured: Measurement;
  readonly #subject: BenchSubject;

  constructor(measured: Measurement, subject: BenchSubject) {
    this.#measured = measured;
    this.#subject = subject;
  }

  /** Whether nothing is known to have arrived intact. */
  get isSilent(): boolean {
    return (this.#measured.report?.received ?? 0) === 0;
  }

  /** Received datagrams that are not part of the measurement. */
  get foreign(): number {
    return this.#measured.foreign;
  }

  /** Datagrams that did not arrive intact. */
  get lost(): number {
    return this.#measured.sent - (this.#measured.report?.unique ?? 0);
  }

  get loss(): number {
    return this.#shareOf(this.lost);
  }

  get dup(): number {
    return this.#shareOf(this.#measured.report?.duplicated ?? 0);
  }

  get reorder(): number {
    return this.#shareOf(this.#measured.report?.reordered ?? 0);
  }

  /** Datagrams that arrived with other bytes. */
  get corrupted(): number {
    return this.#measured.report?.corrupted ?? 0;
  }

  get corrupt(): number {
    return this.#shareOf(this.corrupted);
  }

  get jitterMs(): number {
    return this.#measured.report?.jitterMs ?? 0;
  }

  /** Datagrams sent per second. */
  get perSecond(): number {
    const { sent, elapsedMs } = this.#measured;
    return elapsedMs === 0 ? 0 : sent / elapsedMs * 1_000;
  }

  percentileMs(percent: number): number | undefined {
    const { roundTrips } = this.#subject;
    return roundTrips.totalCount === 0 ? undefined : percentileMs(roundTrips, percent);
  }

  /** One line of JSON. */
  toJson(exitCode: number, failed: readonly string[]): string {
    const { sent, elapsedMs, report } = this.#measured;
    const { target, size } = this.#subject;
    return `${
      JSON.stringify({
        ok: exitCode === 0,
        exitCode,
        target,
        size,
        sent,
        elapsedMs: roundTo(elapsedMs, 1),
        perSecond: roundTo(this.perSecond, 1),
        // Without a report of the sink, 0 would be misleading.
        ...report && {
          received: report.received,
          lost: this.lost,
          lossPercent: roundTo(this.loss * 100, 4),
          duplicated: report.duplicated,
          reordered: report.reordered,
          corrupted: report.corrupted,
          jitterMs: roundTo(this.jitterMs, 4),
        },
        roundTripMs: this.percentileMs(50) === undefined ? undefined : Object.fromEntries(
          PERCENTS.map((percent) => [percent === 100 ? "max" : `p${percent}`, this.percentileMs(percent)]),
        ),
        foreign: this.foreign,
        failed,
      })
    }\n`;
  }

  /** A few lines. */
  toText(): string {
    const { sent, elapsedMs, report } = this.#measured;
    const { target, size } = this.#subject;
    const megabits = this.perSecond * size * 8 / 1e6;
    const lines = [
      `${target}: ${sent} datagrams of ${size} bytes in ${roundTo(elapsedMs / 1_000, 2)} s: ` +
      `${roundTo(this.perSecond, 0)}/s, ${roundTo(megabits, 2)} Mbit/s`,
    ];
    if (report) {
      lines.push(
        `lost        ${this.lost} (${roundTo(this.loss * 100, 2)}%)`,
        `duplicated  ${report.duplicated}`,
        `reordered   ${report.reordered}`,
        `corrupted   ${report.corrupted}`,
        `jitter      ${roundTo(report.jitterMs, 3)} ms`,
      );
    }
    if (this.foreign > 0) lines.push(`foreign     ${this.foreign}`);
    if (this.percentileMs(50) !== undefined) {
      const times = PERCENTS.map((percent) =>
        `${percent === 100 ? "max" : `p${percent}`} ${roundTo(this.percentileMs(percent) ?? 0, 3)}`
      );
      lines.push(`round trip  ${times.join("  ")} ms`);
    }
    return lines.map((line) => `${line}\n`).join("");
  }

  #shareOf(count: number): number {
    return this.#measured.sent === 0 ? 0 : count / this.#measured.sent;
  }
}
