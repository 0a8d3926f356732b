import { concat } from "../base/bytes.ts";
import type { Match } from "./match.ts";

/** Most bytes that wait to be matched; of a longer stream the last ones count. */
const WINDOW_BYTES = 1024 * 1024;

/** Of what was passed over, so much is kept. */
const SKIPPED_BYTES = 256;

const EMPTY = new Uint8Array(0);
const NOTHING = { data: EMPTY, isText: false };

/** How the peer's side stands: open, ended in order, or broken by an error. */
export type PeerState = "open" | "ended" | Error;

/** A message, or the stream. */
export interface Unit {
  readonly data: Uint8Array;
  /** Whether it came as text; only WebSocket distinguishes text from bytes. */
  readonly isText: boolean;
}

/** What has come and no expectation has matched yet: one stream of bytes, or messages. */
export class Inbox {
  /** Bytes that came in all. */
  receivedBytes = 0;
  /** What expectations have passed over to find their match: its first bytes. */
  skipped: Uint8Array = EMPTY;
  readonly #isMessageWise: boolean;
  #units: Unit[] = [];
  #state: PeerState = "open";
  #changed = Promise.withResolvers<void>();

  constructor(isMessageWise: boolean) {
    this.#isMessageWise = isMessageWise;
  }

  get isMessageWise(): boolean {
    return this.#isMessageWise;
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Whether something waits to be matched. */
  get isEmpty(): boolean {
    return this.#units.every(({ data }) => data.length === 0) && (!this.#isMessageWise || this.#units.length === 0);
  }

  /** Bytes that have been matched, or passed over. */
  get consumedBytes(): number {
    return this.receivedBytes - sizeOf(this.#units);
  }

  /** All that waits to be matched. */
  get unmatched(): Uint8Array {
    return concat(this.#units.map(({ data }) => data));
  }

  /** Adds what came; it is copied. */
  push({ data, isText }: Unit): void {
    this.receivedBytes += data.length;
    if (this.#isMessageWise) {
      this.#units.push({ data: data.slice(), isText });
      while (this.#units.length > 1 && sizeOf(this.#units) > WINDOW_BYTES) this.#units.shift();
    } else {
      const joined = concat([this.#units[0]?.data ?? EMPTY, data]);
      this.#units = [{ data: joined.subarray(Math.max(0, joined.length - WINDOW_BYTES)), isText }];
    }
    this.#ring();
  }

  /** Nothing more will come. */
  end(state: "ended" | Error): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#ring();
  }

  /** What is next to be matched: the first message, or all of a stream; `undefined` if nothing is there. */
  get first(): Unit | undefined {
    return this.#units[0];
  }

  /** The first match, in the first message of the type that has one. Nothing is taken. */
  find(
    match: (bytes: Uint8Array) => Match | undefined,
    isText?: boolean,
  ): { unit: number; match: Match; isAtEnd: boolean } | undefined {
    for (const [unit, { data, isText: isTextUnit }] of this.#units.entries()) {
      // A pattern that an empty text matches wants something to come all the same; a message may be empty.
      if (data.length === 0 && !this.#isMessageWise || isText !== undefined && isText !== isTextUnit) continue;
      const found = match(data);
      if (found) return { unit, match: found, isAtEnd: !this.#isMessageWise && found.end === data.length };
    }
    return undefined;
  }

  /** Takes a match out, and what stands before it: of a stream the bytes up to its end, else the whole message. */
  take(found: { unit: number; match: Match }): Unit {
    const { data, isText } = this.#units[found.unit] ?? NOTHING;
    const passed = this.#units.slice(0, found.unit).map((unit) => unit.data);
    this.#skip(concat(this.#isMessageWise ? passed : [data.subarray(0, found.match.start)]));
    if (this.#isMessageWise) this.#units.splice(0, found.unit + 1);
    else this.#units = [{ data: data.subarray(found.match.end), isText }];
    return { data: data.subarray(found.match.start, found.match.end), isText };
  }

  /** Takes the first message, or all of a stream. */
  takeFirst(): Unit {
    return this.#units.shift() ?? NOTHING;
  }

  /** Waits until something changes: `true`, or `false` when the time, if it is not infinite, is over. */
  async change(timeoutMs: number): Promise<boolean> {
    if (timeoutMs <= 0) return false;
    if (timeoutMs === Infinity) return await this.#changed.promise.then(() => true);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), timeoutMs));
    const changed = this.#changed.promise.then(() => true);
    const outcome = await Promise.race([changed, timeout]);
    clearTimeout(timer);
    return outcome;
  }

  #skip(bytes: Uint8Array): void {
    if (bytes.length > 0 && this.skipped.length < SKIPPED_BYTES) {
      this.skipped = concat([this.skipped, bytes]).subarray(0, SKIPPED_BYTES);
    }
  }

  #ring(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function sizeOf(units: readonly Unit[]): number {
  return units.reduce((sum, { data }) => sum + data.length, 0);
}
