import type { DeadlineTimer, HasDeadlines } from "../net/deadline_timer.ts";

/** When pings are sent, in milliseconds, and who looks at the clock. */
export interface PingOptions {
  /** Calls when a ping is due. */
  readonly deadlineTimer: DeadlineTimer;
  /** From one ping to the next. */
  readonly intervalMs: number;
  /** For the answer to come. */
  readonly answerMs: number;
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
  readonly #options: PingOptions;
  readonly #pinged: Pinged;
  #lastMs: number;
  #isAwaiting = false;

  /** The first ping goes out after one interval. */
  constructor(pinged: Pinged, options: PingOptions) {
    this.#pinged = pinged;
    this.#options = options;
    options.deadlineTimer.add(this);
    this.#lastMs = options.deadlineTimer.nowMs;
  }

  /** An answer came; one that nobody asked for changes nothing. */
  answered(): void {
    this.#isAwaiting = false;
  }

  /** Looks at the clock. */
  checkDeadlines(nowMs: number): void {
    const { intervalMs, answerMs, deadlineTimer } = this.#options;
    if (this.#pinged.isClosed()) return this[Symbol.dispose]();
    if (!this.#isAwaiting) {
      if (nowMs - this.#lastMs < intervalMs) return;
      this.#lastMs = nowMs;
      this.#isAwaiting = true;
      this.#pinged.ping();
    } else if (!this.#pinged.isReading()) {
      // The answer may be there, unread: its time begins when somebody reads.
      this.#lastMs = nowMs;
    } else if (nowMs - this.#lastMs > answerMs + deadlineTimer.intervalMs) {
      this[Symbol.dispose]();
      this.#pinged.onSilence();
    }
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#options.deadlineTimer.delete(this);
  }
}
