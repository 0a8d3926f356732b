import { seededRandom } from "../base/random.ts";
import { DelayQueue } from "./delay_queue.ts";

/** How long a datagram that is to be overtaken waits for the next one, in milliseconds. */
const OVERTAKE_WITHIN_MS = 100;
/** Datagrams that are delayed at a time; beyond it they are dropped, as a router's queue does. */
const MOST_DELAYED = 10_000;
/** Their bytes, at the most. */
const MOST_DELAYED_BYTES = 64 * 1024 * 1024;

/** What a bad network does to datagrams; shares are from 0 to 1. */
export interface ImpairmentOptions {
  /** Share that is lost. */
  drop: number;
  /** Share that arrives twice. */
  dup: number;
  /** Share that is overtaken by the datagram after it. */
  reorder: number;
  /** Share in which one bit is wrong. */
  corrupt: number;
  /** What each datagram waits, in milliseconds. */
  delayMs: number;
  /** How far a datagram's wait is off from the delay, up or down, in milliseconds; each is as likely. */
  jitterMs: number;
  /** Bits a second that pass; the others queue. `undefined` for any number. */
  bitsPerSecond: number | undefined;
  /** The same seed does the same to the datagram of the same number. */
  seed: number;
}

/** What impairment has done, in datagrams. */
export interface ImpairmentCounts {
  passed: number;
  dropped: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  /** Too many were waiting. */
  overflowed: number;
}

/**
 * A bad network, for one direction. What befalls a datagram depends on the
 * seed and on how many came before it, not on time: two runs drop the same ones.
 */
export class Impairment {
  readonly counts: ImpairmentCounts = {
    passed: 0,
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    overflowed: 0,
  };
  readonly #options: ImpairmentOptions;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #queue: DelayQueue;
  /** The datagram that the next one overtakes. */
  #overtaken: (() => void) | undefined;
  #overtakenTimer: ReturnType<typeof setTimeout> | undefined;
  #lineFreeMs = 0;
  #delayedBytes = 0;

  /** `now` gives milliseconds, monotonic; for tests. */
  constructor(options: ImpairmentOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#now = now;
    this.#queue = new DelayQueue(now);
  }

  /**
   * Takes one datagram, whose bytes are copied where they are needed later,
   * and calls `deliver` for what comes out of it: never, once or twice, now or later.
   */
  pass(data: Uint8Array, deliver: (data: Uint8Array) => void): void {
    const { drop, dup, reorder, corrupt, jitterMs } = this.#options;
    // Always the same number of draws for a datagram, or one option would change what the others do.
    const isDropped = this.#random() < drop;
    const isDuplicated = this.#random() < dup;
    const isReordered = this.#random() < reorder;
    const isCorrupted = this.#random() < corrupt;
    const bit = Math.floor(this.#random() * data.length * 8);
    const offMs = (this.#random() * 2 - 1) * jitterMs;
    if (isDropped) {
      this.counts.dropped++;
      return;
    }
    const bytes = data.slice();
    if (isCorrupted && bytes.length > 0) {
      this.counts.corrupted++;
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
    if (isDuplicated) this.counts.duplicated++;
    const send = () => {
      this.#delay(bytes, offMs, deliver);
      if (isDuplicated) this.#delay(bytes, offMs, deliver);
    };
    const overtaken = this.#takeOvertaken();
    if (isReordered && overtaken === undefined) {
      this.counts.reordered++;
      this.#overtaken = send;
      this.#overtakenTimer = setTimeout(() => this.#takeOvertaken()?.(), OVERTAKE_WITHIN_MS);
      return;
    }
    send();
    overtaken?.();
  }

  /** The counts as fields of a log line. */
  toFields(): Record<string, number> {
    const counts = Object.entries(this.counts).filter(([, count]) => count > 0);
    return Object.fromEntries(counts.map(([name, count]) => [`impairment_${name}`, count]));
  }

  /** Settles when everything that is delayed has been delivered. */
  async whenIdle(): Promise<void> {
    this.#takeOvertaken()?.();
    await this.#queue.whenEmpty();
  }

  /** Forgets what is delayed. */
  [Symbol.dispose](): void {
    this.#takeOvertaken();
    this.#queue.clear();
    this.#delayedBytes = 0;
  }

  #takeOvertaken(): (() => void) | undefined {
    clearTimeout(this.#overtakenTimer);
    const overtaken = this.#overtaken;
    this.#overtaken = undefined;
    return overtaken;
  }

  #delay(bytes: Uint8Array, offMs: number, deliver: (data: Uint8Array) => void): void {
    const { delayMs, bitsPerSecond } = this.#options;
    if (this.#queue.length >= MOST_DELAYED || this.#delayedBytes + bytes.length > MOST_DELAYED_BYTES) {
      this.counts.overflowed++;
      return;
    }
    const waitMs = Math.max(0, delayMs + offMs);
    const nowMs = this.#now();
    let dueMs = nowMs + waitMs;
    if (bitsPerSecond !== undefined) {
      this.#lineFreeMs = Math.max(nowMs, this.#lineFreeMs) + bytes.length * 8_000 / bitsPerSecond;
      dueMs = this.#lineFreeMs + waitMs;
    }
    this.counts.passed++;
    if (dueMs <= nowMs && this.#queue.length === 0) return deliver(bytes);
    this.#delayedBytes += bytes.length;
    this.#queue.add(dueMs, () => {
      this.#delayedBytes -= bytes.length;
      deliver(bytes);
    });
  }
}
