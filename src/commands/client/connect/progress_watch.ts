/** Options of {@linkcode ProgressWatch}. */
export interface WatchOptions {
  /** Time limit for one side, the peer or standard input, once the other has ended, in milliseconds. */
  readonly waitMs: Readonly<Record<"end" | "input", number>>;
  /** How long the peer may accept no data during a send, in milliseconds. */
  readonly stallMs: number;
  /** Bytes queued for sending; a change is progress. */
  readonly queuedBytes: () => number;
  /** Called once with what timed out. */
  readonly onExpired: (missing: Missing) => void;
}

/** What timed out: the peer's end, the peer's reading, or more input. */
export type Missing = "end" | "reading" | "input";

/** Watches the progress of both directions and reports a stall. Time spent waiting for a slow stdout does not count. */
export class ProgressWatch implements Disposable {
  /** A send is pending. */
  isSending = false;
  /** A write to stdout is pending. */
  isOutputBlocked = false;
  /** The awaited end; none while both sides are open. */
  awaited: "end" | "input" | undefined;
  readonly #options: WatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #lastMs = performance.now();
  #queuedBytes = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    const shortestMs = Math.min(options.waitMs.end, options.waitMs.input, options.stallMs);
    this.#timer = setInterval(() => this.#check(), Math.max(5, Math.min(250, shortestMs / 20)));
  }

  /** Records progress and restarts the time limits. */
  touch(): void {
    this.#lastMs = performance.now();
  }

  /** Sets the awaited end. */
  await(awaited: "end" | "input"): void {
    this.awaited = awaited;
    this.touch();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const queuedBytes = this.#options.queuedBytes();
    if (queuedBytes !== this.#queuedBytes || this.isOutputBlocked) this.touch();
    this.#queuedBytes = queuedBytes;
    const quietMs = performance.now() - this.#lastMs;
    const missing = this.isSending ? "reading" : this.awaited;
    if (missing === undefined) return;
    if (quietMs < (missing === "reading" ? this.#options.stallMs : this.#options.waitMs[missing])) return;
    clearInterval(this.#timer);
    this.#options.onExpired(missing);
  }
}
