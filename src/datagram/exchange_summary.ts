import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import type { Reply } from "./reply_matcher.ts";

/** The result of one datagram. */
export interface ExchangeOutcome {
  /** Its number, from 1. */
  readonly seq: number;
  /** "refused": the target's port is closed; "one-way": no reply was expected. */
  readonly status: "answered" | "silent" | "refused" | "one-way";
  /** Number of times it was sent. */
  readonly tries: number;
  /** From the first try to the first reply, in milliseconds. */
  readonly elapsedMs: number | undefined;
  /** The replies; more than one only if there may be many receivers. */
  readonly replies: readonly Reply[];
}

/** Times in milliseconds. */
interface Times {
  readonly min: number;
  readonly avg: number;
  /** 99th percentile (nearest rank). */
  readonly p99: number;
  readonly max: number;
}

/** Maximum unexpected senders that are listed. */
const MAX_SENDERS = 10;

/** The results of an exchange. */
export class ExchangeSummary {
  /** Datagrams that were sent, without retries. */
  sent = 0;
  answered = 0;
  /** Numbers of the datagrams without a reply, in the order of completion. */
  readonly lost: number[] = [];
  /** How many of the lost ones were refused. */
  refused = 0;
  /** Tries after the first one of each datagram. */
  retries = 0;
  /** Late and repeated replies. */
  unmatched = 0;
  /** Datagrams from senders other than the target; only the first ten senders are listed. */
  readonly unexpectedSenders = new Map<string, number>();
  readonly #times: number[] = [];

  /** Counts a result. */
  add(outcome: ExchangeOutcome): void {
    this.sent++;
    this.retries += outcome.tries - 1;
    if (outcome.status === "answered") this.answered++;
    else if (outcome.status !== "one-way") this.lost.push(outcome.seq);
    if (outcome.status === "refused") this.refused++;
    if (outcome.elapsedMs !== undefined) this.#times.push(outcome.elapsedMs);
  }

  /** Counts a datagram that was still waiting when the exchange ended. */
  abandon(tries: number): void {
    if (tries === 0) return;
    this.sent++;
    this.retries += tries - 1;
  }

  /** Counts a datagram from a sender other than the target. */
  addUnexpectedSender(from: Endpoint | null): void {
    const name = from === null ? "unnamed" : formatEndpoint(from);
    const known = this.unexpectedSenders.get(name);
    if (known !== undefined || this.unexpectedSenders.size < MAX_SENDERS) {
      this.unexpectedSenders.set(name, (known ?? 0) + 1);
    }
  }

  /** Share of lost datagrams, 0 to 1. */
  get lossRatio(): number {
    return this.sent === 0 ? 0 : this.lost.length / this.sent;
  }

  /** From the first try of a datagram to its reply; `undefined` if there was no reply. */
  times(): Times | undefined {
    const sorted = this.#times.toSorted((a, b) => a - b);
    const [min] = sorted;
    const max = sorted.at(-1);
    if (min === undefined || max === undefined) return undefined;
    const avg = sorted.reduce((sum, time) => sum + time, 0) / sorted.length;
    return { min, avg, p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? max, max };
  }
}

/** Formats numbers as ranges: `3, 7-9`. */
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
