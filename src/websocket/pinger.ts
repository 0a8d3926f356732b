import { type Duration, parseDuration } from "../base/units.ts";
import type { DeadlineTimer, HasDeadlines } from "../net/deadline_timer.ts";

/** When pings are sent, and who looks at the clock. */
export interface PingOptions {
  /** Checks when a ping is due. */
  readonly deadlineTimer: DeadlineTimer;
  /** Interval between pings. */
  readonly interval: Duration;
  /** Time limit for the pong. */
  readonly timeout: Duration;
}

/** The session of a {@linkcode Pinger}. */
interface Pinged {
  /** No more pings are sent. */
  isClosed(): boolean;
  /** Whether the session is being read; otherwise no pong can arrive. */
  isReading(): boolean;
  /** Sends a ping. */
  ping(): void;
  /** No pong arrived in time. */
  onSilence(): void;
}

/** Pings a session at intervals and reports a missing pong (RFC 6455, section 5.5.2). */
export class Pinger implements HasDeadlines, Disposable {
  readonly #deadlineTimer: DeadlineTimer;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #pinged: Pinged;
  #lastMs: number;
  #isAwaiting = false;

  /** The first ping is sent after one interval. */
  constructor(pinged: Pinged, { deadlineTimer, interval, timeout }: PingOptions) {
    this.#pinged = pinged;
    this.#deadlineTimer = deadlineTimer;
    this.#intervalMs = parseDuration(interval);
    this.#timeoutMs = parseDuration(timeout);
    deadlineTimer.add(this);
    this.#lastMs = deadlineTimer.nowMs;
  }

  /** Records a pong; unsolicited ones are ignored. */
  answered(): void {
    this.#isAwaiting = false;
  }

  /** Checks the deadlines. */
  checkDeadlines(nowMs: number): void {
    if (this.#pinged.isClosed()) return this[Symbol.dispose]();
    if (!this.#isAwaiting) {
      if (nowMs - this.#lastMs < this.#intervalMs) return;
      this.#lastMs = nowMs;
      this.#isAwaiting = true;
      this.#pinged.ping();
    } else if (!this.#pinged.isReading()) {
      // The pong may already be buffered; the time limit starts with the next read.
      this.#lastMs = nowMs;
    } else if (nowMs - this.#lastMs > this.#timeoutMs + this.#deadlineTimer.intervalMs) {
      this[Symbol.dispose]();
      this.#pinged.onSilence();
    }
  }

  [Symbol.dispose](): void {
    this.#deadlineTimer.delete(this);
  }
}
