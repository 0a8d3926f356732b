import { concat, NO_BYTES } from "../base/bytes.ts";
import { startTimer } from "../net/wait.ts";
import type { Match } from "./match.ts";

/** Maximum unmatched bytes; of a longer stream only the last ones are kept. */
const WINDOW_BYTES = 1024 * 1024;

/** Maximum unmatched messages, since they may be empty. */
const MAX_MESSAGES = 16_384;

/** Maximum skipped bytes to keep. */
const SKIPPED_BYTES = 256;

/** A shorter hold is only the time that printing takes: under a flood, the clock would otherwise stand still. */
const MIN_HOLD_MS = 20;

const NOTHING = { data: NO_BYTES, isText: false };

/** State of the peer's side: open, ended normally, or failed. */
type PeerState = "open" | "ended" | Error;

/** A message, or the stream. */
export interface Unit {
  readonly data: Uint8Array;
  /** Whether it came as text; only WebSocket distinguishes text from bytes. */
  readonly isText: boolean;
}

/** Received data that no expectation has matched yet: a byte stream, or messages. */
export class Inbox {
  /** Total bytes received. */
  receivedBytes = 0;
  /** The first bytes that expectations have skipped before a match. */
  skipped: Uint8Array = NO_BYTES;
  readonly #isMessageWise: boolean;
  #units: Unit[] = [];
  #unmatchedBytes = 0;
  /** Number of the first message that is kept. */
  #firstNumber = 0;
  #state: PeerState = "open";
  #changed = Promise.withResolvers<void>();
  #heldMs = 0;
  #heldSinceMs = Infinity;

  constructor(isMessageWise: boolean) {
    this.#isMessageWise = isMessageWise;
  }

  get isMessageWise(): boolean {
    return this.#isMessageWise;
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Whether there is unmatched data. */
  get isEmpty(): boolean {
    return this.#isMessageWise ? this.#units.length === 0 : this.#unmatchedBytes === 0;
  }

  /** Bytes that were matched or skipped. */
  get consumedBytes(): number {
    return this.receivedBytes - this.#unmatchedBytes;
  }

  /** The unmatched messages, or the bytes of a stream. */
  get units(): readonly Unit[] {
    return this.isEmpty ? [] : this.#units;
  }

  /** All unmatched data. */
  get unmatched(): Uint8Array {
    return concat(this.#units.map(({ data }) => data));
  }

  /** A clock that stands still while received data is held back. */
  get nowMs(): number {
    return (this.#isHeld ? this.#heldSinceMs : performance.now()) - this.#heldMs;
  }

  /** Holds received data back until the next {@linkcode push} or {@linkcode end}: it is still being printed. */
  hold(): void {
    this.#heldSinceMs = Math.min(this.#heldSinceMs, performance.now());
  }

  /** Adds a copy of received data. */
  push({ data, isText }: Unit): void {
    this.receivedBytes += data.length;
    if (this.#isMessageWise) {
      this.#units.push({ data: data.slice(), isText });
      this.#unmatchedBytes += data.length;
      while (this.#isOverfull) this.#dropFirst();
    } else {
      const joined = concat([this.#units[0]?.data ?? NO_BYTES, data]);
      this.#keep({ data: joined.subarray(Math.max(0, joined.length - WINDOW_BYTES)), isText });
    }
    this.#ring();
  }

  end(state: "ended" | Error): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#ring();
  }

  /** The next data to match: the first message, or all bytes of a stream; `undefined` if there is none. */
  get first(): Unit | undefined {
    return this.#units[0];
  }

  /** Number of the next message; {@linkcode find} has seen the earlier ones. */
  get nextNumber(): number {
    return this.#firstNumber + this.#units.length;
  }

  /**
   * Finds the first match, in the first message of that type that has one, without removing it.
   *
   * @param from Number of the first message to look at; a stream is always searched as a whole.
   */
  find(
    match: (bytes: Uint8Array) => Match | undefined,
    isText?: boolean,
    from = 0,
  ): { unit: number; match: Match; isAtEnd: boolean } | undefined {
    const first = this.#isMessageWise ? Math.max(0, from - this.#firstNumber) : 0;
    for (let unit = first; unit < this.#units.length; unit++) {
      const { data, isText: isTextUnit } = this.#units[unit] ?? NOTHING;
      // A pattern that matches the empty text still requires some data; a message may be empty.
      if (data.length === 0 && !this.#isMessageWise || isText !== undefined && isText !== isTextUnit) continue;
      const found = match(data);
      if (found) return { unit, match: found, isAtEnd: !this.#isMessageWise && found.end === data.length };
    }
    return undefined;
  }

  /** Removes a match and everything before it: the bytes of a stream up to its end, or the whole message. */
  take(found: { unit: number; match: Match }): Unit {
    const { data, isText } = this.#units[found.unit] ?? NOTHING;
    const passed = this.#units.slice(0, found.unit).map((unit) => unit.data);
    this.#skip(concat(this.#isMessageWise ? passed : [data.subarray(0, found.match.start)]));
    if (this.#isMessageWise) { for (let count = 0; count <= found.unit; count++) this.#dropFirst(); }
    else this.#keep({ data: data.subarray(found.match.end), isText });
    return { data: data.subarray(found.match.start, found.match.end), isText };
  }

  /** Removes the first message, or all bytes of a stream. */
  takeFirst(): Unit {
    return this.#dropFirst() ?? NOTHING;
  }

  /** Waits until something changes; `false` on timeout, but never while data is held back. */
  async change(timeoutMs: number): Promise<boolean> {
    const changed = this.#changed.promise.then(() => true);
    if (timeoutMs === Infinity || this.#isHeld) return await changed;
    if (timeoutMs <= 0) return false;
    const timeout = Promise.withResolvers<false>();
    using _timer = startTimer(timeoutMs, () => timeout.resolve(false));
    return await Promise.race([changed, timeout.promise]) || this.#heldSinceMs !== Infinity && await changed;
  }

  get #isHeld(): boolean {
    return performance.now() - this.#heldSinceMs >= MIN_HOLD_MS;
  }

  get #isOverfull(): boolean {
    return this.#units.length > MAX_MESSAGES || this.#units.length > 1 && this.#unmatchedBytes > WINDOW_BYTES;
  }

  #dropFirst(): Unit | undefined {
    const unit = this.#units.shift();
    if (unit === undefined) return undefined;
    this.#unmatchedBytes -= unit.data.length;
    this.#firstNumber++;
    return unit;
  }

  /** The bytes of a stream. */
  #keep(unit: Unit): void {
    this.#units = [unit];
    this.#unmatchedBytes = unit.data.length;
  }

  #skip(bytes: Uint8Array): void {
    if (bytes.length > 0 && this.skipped.length < SKIPPED_BYTES) {
      this.skipped = concat([this.skipped, bytes]).subarray(0, SKIPPED_BYTES);
    }
  }

  #ring(): void {
    if (this.#isHeld) this.#heldMs += performance.now() - this.#heldSinceMs;
    this.#heldSinceMs = Infinity;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
