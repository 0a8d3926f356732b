import type { ExchangeOutcome } from "./exchange.ts";

/** Times in milliseconds. */
export interface Times {
  readonly min: number;
  readonly avg: number;
  /** 99 of 100 were not longer (nearest rank). */
  readonly p99: number;
  readonly max: number;
}

/** What came of the datagrams of an exchange. */
export class ExchangeSummary {
  /** Datagrams that were sent, however often each. */
  sent = 0;
  answered = 0;
  /** Numbers of those without a reply, ascending once the exchange is over. */
  readonly lost: number[] = [];
  /** How many of the lost found the port closed. */
  refused = 0;
  /** Tries beyond each first one. */
  retries = 0;
  /** Replies beyond the first one of a datagram, and late ones. */
  unmatched = 0;
  /** Datagrams from somebody else than the target. */
  strangers = 0;
  readonly #times: number[] = [];

  /** Counts one that is done. */
  add(outcome: ExchangeOutcome): void {
    this.sent++;
    this.retries += outcome.tries - 1;
    if (outcome.status === "answered") this.answered++;
    else if (outcome.status !== "one-way") this.lost.push(outcome.seq);
    if (outcome.status === "refused") this.refused++;
    if (outcome.elapsedMs !== undefined) this.#times.push(outcome.elapsedMs);
  }

  /** Counts one that was being waited for when the exchange was ended. */
  abandon(tries: number): void {
    if (tries === 0) return;
    this.sent++;
    this.retries += tries - 1;
  }

  /** Share of the datagrams that are lost, 0 to 1. */
  get lossRatio(): number {
    return this.sent === 0 ? 0 : this.lost.length / this.sent;
  }

  /** From the first try of a datagram to its reply; `undefined` where none came. */
  times(): Times | undefined {
    const sorted = this.#times.toSorted((a, b) => a - b);
    const [min] = sorted;
    const max = sorted.at(-1);
    if (min === undefined || max === undefined) return undefined;
    const avg = sorted.reduce((sum, time) => sum + time, 0) / sorted.length;
    return { min, avg, p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? max, max };
  }
}

/** Numbers in short: `3, 7-9`. */
export function formatRanges(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const number of sorted) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(", ");
}
