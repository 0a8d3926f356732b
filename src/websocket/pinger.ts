import { type Duration, parseDuration } from "../base/units.ts";
import type { DeadlineTimer, HasDeadlines } from "../net/deadline_timer.ts";

/** When pings are sent, and who looks at the clock. */
export interface PingOptions {
  /** Calls when a ping is due. */
  readonly deadlineTimer: DeadlineTimer;
  /** From one ping to the next. */
  readonly interval: Duration;
  /** For the answer to come. */
  readonly timeout: Duration;
}

/** What a {@linkcode Pinger} does to its session. */
export interface Pinged {
  /** Over: nothing is pinged any more. */
  isClosed(): boolean;
  /** Whether somebody is reading: an answer can only come in then. */
  isReading(): boolean;
  /** Sends a ping. */
  ping(): void;
  /** No answer came in time. */
  onSilence(): void;
}

/** Pings one session at intervals and says when no answer comes (RFC 6455, section 5.5.2). */
export class Pinger implements HasDeadlines, Disposable {
  readonly #deadlineTimer: DeadlineTimer;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #pinged: Pinged;
  #lastMs: number;
  #isAwaiting = false;

  /** The first ping goes out after one interval. */
  constructor(pinged: Pinged, { deadlineTimer, interval, timeout }: PingOptions) {
    this.#pinged = pinged;
    this.#deadlineTimer = deadlineTimer;
    this.#intervalMs = parseDuration(interval);
    this.#timeoutMs = parseDuration(timeout);
    deadlineTimer.add(this);
    this.#lastMs = deadlineTimer.nowMs;
  }

  /** An answer came; one that nobody asked for changes nothing. */
  answered(): void {
    this.#isAwaiting = false;
  }

  /** Looks at the clock. */
  checkDeadlines(nowMs: number): void {
    if (this.#pinged.isClosed()) return this[Symbol.dispose]();
    if (!this.#isAwaiting) {
      if (nowMs - this.#lastMs < this.#intervalMs) return;
      this.#lastMs = nowMs;
      this.#isAwaiting = true;
      this.#pinged.ping();
    } else if (!this.#pinged.isReading()) {
      // The answer may be there, unread: its time begins when somebody reads.
      this.#lastMs = nowMs;
    } else if (nowMs - this.#lastMs > this.#timeoutMs + this.#deadlineTimer.intervalMs) {
      this[Symbol.dispose]();
      this.#pinged.onSilence();
    }
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#deadlineTimer.delete(this);
  }
}
