/** How far behind the highest number a duplicate is recognized. */
const WINDOW = 65_536;

/** The received part of a stream of numbered datagrams. */
export interface SequenceReport {
  /** Intact datagrams, including duplicates. */
  readonly received: number;
  /** Intact datagrams without duplicates. */
  readonly unique: number;
  /** Duplicates. */
  readonly duplicated: number;
  /** Datagrams that arrived after one that was sent later. */
  readonly reordered: number;
  /** Datagrams that do not match their checksum; they count as lost too. */
  readonly corrupted: number;
  /** Interarrival jitter in milliseconds (RFC 3550, section 6.4.1). */
  readonly jitterMs: number;
}

/**
 * Evaluates a stream by its sequence numbers and times, in constant memory: a number more than 65,536 behind the
 * highest counts as reordered, and its duplicates are not recognized.
 */
export class SequenceTracker {
  readonly #seen = new Uint8Array(WINDOW);
  #received = 0;
  #duplicated = 0;
  #reordered = 0;
  #corrupted = 0;
  #highest = -1;
  #jitterMs = 0;
  #lastTransitMs: number | undefined;

  /** Counts an intact datagram; returns whether it is a duplicate. The two clocks may differ. */
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

  /** Counts a datagram that does not match its checksum. */
  addCorrupted(): void {
    this.#corrupted++;
  }

  /** The highest number that arrived, or -1. */
  get highest(): number {
    return this.#highest;
  }

  /** The result so far. */
  report(): SequenceReport {
    return {
      received: this.#received,
      unique: this.#received - this.#duplicated,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      corrupted: this.#corrupted,
      jitterMs: this.#jitterMs,
    };
  }

  #isRepeated(seq: number): boolean {
    if (seq <= this.#highest - WINDOW) return false;
    // The skipped numbers replace those that have left the window.
    const from = Math.max(this.#highest + 1, seq - WINDOW + 1);
    for (let passed = from; passed < seq; passed++) this.#seen[passed % WINDOW] = 0;
    const at = seq % WINDOW;
    const isRepeated = seq <= this.#highest && this.#seen[at] === 1;
    this.#seen[at] = 1;
    return isRepeated;
  }
}
