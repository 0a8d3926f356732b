import type { LoadPlan } from "./plan.ts";

/** Something that waits for replies and can be timed out. */
export interface Waiting {
  /** When the oldest unanswered message was sent; `undefined` if there is none. */
  readonly oldestMs: number | undefined;
  /** Called on timeout. */
  giveUp(): void;
}

/** An interrupted run must not wait for a silent server. */
const INTERRUPTED_MS = 200;

/** How often the waiting connections are checked, in milliseconds. */
const WATCH_MS = 100;

/** The state of one run: how many messages may still be sent, and when it is over. */
export class LoadRun implements Disposable {
  /** Whether no more messages are sent. */
  isOver = false;
  /** When sending ended. */
  overMs = 0;
  readonly #waiting = new Set<Waiting>();
  readonly #over = new AbortController();
  #timeoutMs: number;
  #left = Infinity;
  #endTimer: ReturnType<typeof setTimeout> | undefined;
  #watchTimer: ReturnType<typeof setInterval> | undefined;

  /** Starts at once; {@linkcode endAfter} or {@linkcode endAfterMessages} sets the end. */
  constructor(plan: LoadPlan) {
    this.#timeoutMs = plan.timeoutMs;
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_MS);
  }

  /** Maximum time for an answer and for a reconnect. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Aborts when the run is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Returns how many messages may be sent now, at most `wanted`. */
  claim(wanted: number): number {
    if (this.isOver) return 0;
    const granted = Math.min(wanted, this.#left);
    this.#left -= granted;
    if (granted < wanted) this.finish();
    return granted;
  }

  endAfter(milliseconds: number): void {
    this.#endTimer = setTimeout(() => this.finish(), milliseconds);
  }

  /** Sets how many messages may still be sent. */
  endAfterMessages(count: number): void {
    this.#left = count;
  }

  /** Stops sending; messages in flight may still be answered. */
  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.overMs = performance.now();
    this.#over.abort(new DOMException("the run is over", "AbortError"));
  }

  /** Stops sending, and gives messages in flight only a little more time. */
  interrupt(): void {
    this.#timeoutMs = Math.min(this.#timeoutMs, INTERRUPTED_MS);
    this.finish();
  }

  /** Applies the timeout of the plan to its answers. */
  add(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  delete(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

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
