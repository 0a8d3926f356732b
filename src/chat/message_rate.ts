import { formatDuration } from "../base/units.ts";
import { TokenBucket } from "../guard/token_bucket.ts";

/** How fast one client may send. */
export interface MessageRateOptions {
  /** Messages at once, after a pause. */
  readonly burst: number;
  /** Messages a second in the long run. */
  readonly perSecond: number;
  /**
   * The time, in milliseconds.
   *
   * @default {performance.now}
   */
  readonly now?: () => number;
}

/** Messages that had to wait, without a pause between them, after which a client is muted. */
const DELAYS_BEFORE_MUTE = 10;
const MUTE_MS = 30_000;

/**
 * The rate of one client: it first delays, and mutes for 30 seconds whoever
 * does not slow down.
 */
export class MessageRate {
  readonly #options: MessageRateOptions;
  readonly #now: () => number;
  #bucket: TokenBucket;
  #delays = 0;
  /** Messages in a row that did not have to wait. */
  #passes = 0;
  #mutedUntilMs = -Infinity;

  /** Nothing was sent yet. */
  constructor(options: MessageRateOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#bucket = new TokenBucket(options, this.#now());
  }

  /** Whether what the client sends now is dropped. */
  get isMuted(): boolean {
    return this.#now() < this.#mutedUntilMs;
  }

  /** How long that lasts, for people. */
  get mutedText(): string {
    return formatDuration(Math.ceil((this.#mutedUntilMs - this.#now()) / 1_000) * 1_000);
  }

  /** Counts one message; the result is how long it must wait, in milliseconds. */
  take(): number {
    const nowMs = this.#now();
    if (nowMs < this.#mutedUntilMs) return 0;
    const delayMs = this.#bucket.take(1, nowMs);
    if (delayMs === 0) {
      // A late timer lets one pass now and then: that is no pause.
      if (++this.#passes >= this.#options.burst) this.#delays = 0;
      return 0;
    }
    this.#passes = 0;
    if (++this.#delays <= DELAYS_BEFORE_MUTE) return delayMs;
    this.#delays = 0;
    this.#mutedUntilMs = nowMs + MUTE_MS;
    this.#bucket = new TokenBucket(this.#options, this.#mutedUntilMs);
    return 0;
  }
}
