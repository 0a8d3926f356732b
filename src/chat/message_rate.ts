import { formatDuration } from "../base/units.ts";

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

/** Delayed messages in a row after which a client is muted. */
const DELAYS_BEFORE_MUTE = 10;
const MUTE_MS = 30_000;

/**
 * The rate of one client: a token bucket that first delays, and mutes for 30
 * seconds whoever does not slow down.
 */
export class MessageRate {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #now: () => number;
  #tokens: number;
  #countedMs: number;
  #delays = 0;
  #mutedUntilMs = 0;

  /** Full at first. */
  constructor(options: MessageRateOptions) {
    this.#burst = options.burst;
    this.#perMs = options.perSecond / 1_000;
    this.#now = options.now ?? (() => performance.now());
    this.#tokens = options.burst;
    this.#countedMs = this.#now();
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
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#countedMs) * this.#perMs);
    this.#countedMs = nowMs;
    this.#tokens--;
    if (this.#tokens >= 0) {
      this.#delays = 0;
      return 0;
    }
    if (++this.#delays <= DELAYS_BEFORE_MUTE) return -this.#tokens / this.#perMs;
    this.#delays = 0;
    this.#tokens = this.#burst;
    this.#mutedUntilMs = nowMs + MUTE_MS;
    return 0;
  }
}
