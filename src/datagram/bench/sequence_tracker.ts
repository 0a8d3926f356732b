/** How far back a repeated number is known again. */
const WINDOW = 65_536;

/** What became of a stream of numbered datagrams, as its receiver sees it. */
export interface SequenceReport {
  /** Datagrams that came, repeated ones among them. */
  readonly received: number;
  /** Different ones. */
  readonly unique: number;
  /** Those that came once more. */
  readonly duplicated: number;
  /** Those that came after one that was sent later. */
  readonly reordered: number;
  /** Interarrival jitter in milliseconds (RFC 3550, section 6.4.1). */
  readonly jitterMs: number;
}

/**
 * Follows a stream by its sequence numbers and times, in constant memory: a
 * number that lies more than 65,536 behind the highest is counted as
 * reordered, and a repetition of it is not noticed.
 */
export class SequenceTracker {
  readonly #seen = new Uint8Array(WINDOW);
  #received = 0;
  #duplicated = 0;
  #reordered = 0;
  #highest = -1;
  #jitterMs = 0;
  #lastTransitMs: number | undefined;

  /** Counts one that came. The two clocks need not agree: only differences count. Whether it is a repetition. */
  add(seq: number, sentMs: number, receivedMs: number): boolean {
    this.#received++;
    const isRepeated = this.#isRepeated(seq);
    if (isRepeated) {
      this.#duplicated++;
      return true;
    }
    if (seq < this.#highest) this.#reordered++;
    else this.#highest = seq;
    const transitMs = receivedMs - sentMs;
    if (this.#lastTransitMs !== undefined) {
      this.#jitterMs += (Math.abs(transitMs - this.#lastTransitMs) - this.#jitterMs) / 16;
    }
    this.#lastTransitMs = transitMs;
    return false;
  }

  /** The highest number that came, or -1. */
  get highest(): number {
    return this.#highest;
  }

  /** As it is now. */
  report(): SequenceReport {
    return {
      received: this.#received,
      unique: this.#received - this.#duplicated,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      jitterMs: this.#jitterMs,
    };
  }

  #isRepeated(seq: number): boolean {
    if (seq <= this.#highest - WINDOW) return false;
    // The places of the numbers between are those of numbers that have left the window.
    const from = Math.max(this.#highest + 1, seq - WINDOW + 1);
    for (let passed = from; passed < seq; passed++) this.#seen[passed % WINDOW] = 0;
    const at = seq % WINDOW;
    const isRepeated = seq <= this.#highest && this.#seen[at] === 1;
    this.#seen[at] = 1;
    return isRepeated;
  }
}
