import type { LoadPlan } from "./plan.ts";

/** Something that waits for replies and can be timed out. */
export interface Waiting {
  /** Since when it waits for the oldest of its answers; `undefined` when for none. */
  readonly oldestMs: number | undefined;
  /** It waited too long. */
  giveUp(): void;
}

/** An interrupted run must not wait for a silent server. */
const INTERRUPTED_MS = 200;

/** How often the waiting connections are checked, in milliseconds. */
const WATCH_MS = 100;

/** The course of one run: how much may still be sent, and when it is over. */
export class LoadRun implements Disposable {
  /** Nothing more is sent. */
  isOver = false;
  /** When nothing more was sent. */
  overMs = 0;
  readonly #waiting = new Set<Waiting>();
  readonly #over = new AbortController();
  #timeoutMs: number;
  #left = Infinity;
  #endTimer: ReturnType<typeof setTimeout> | undefined;
  #watchTimer: ReturnType<typeof setInterval> | undefined;

  /** It begins at once; its end is set by {@linkcode endAfter} or {@linkcode endAfterMessages}. */
  constructor(plan: LoadPlan) {
    this.#timeoutMs = plan.timeoutMs;
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_MS);
  }

  /** For an answer, and for a server to come back. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Aborts when the run is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Messages that may be sent now: `wanted` of them or less. */
  claim(wanted: number): number {
    if (this.isOver) return 0;
    const granted = Math.min(wanted, this.#left);
    this.#left -= granted;
    if (granted < wanted) this.finish();
    return granted;
  }

  /** Sets the end. */
  endAfter(milliseconds: number): void {
    this.#endTimer = setTimeout(() => this.finish(), milliseconds);
  }

  /** Sets how many messages may still be sent. */
  endAfterMessages(count: number): void {
    this.#left = count;
  }

  /** Nothing more is sent; what is in flight may still be answered. */
  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.overMs = performance.now();
    this.#over.abort(new DOMException("the run is over", "AbortError"));
  }

  /** Nothing more is sent, and what is in flight is given little more time. */
  interrupt(): void {
    this.#timeoutMs = Math.min(this.#timeoutMs, INTERRUPTED_MS);
    this.finish();
  }

  /** Has its answers waited for within the time that the plan gives. */
  add(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  /** It waits no more. */
  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /** Stops the timers. */
  [Symbol.dispose](): void {
    clearTimeout(this.#endTimer);
    clearInterval(this.#watchTimer);
  }

  #watch(): void {
    const lateMs = performance.now() - this.timeoutMs;
    for (const waiting of this.#waiting) {
      if (waiting.oldestMs !== undefined && waiting.oldestMs < lateMs) waiting.giveUp();
    }
  }
}
