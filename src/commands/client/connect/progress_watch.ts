/** What a {@linkcode ProgressWatch} waits for. */
export interface WatchOptions {
  /** How long the other side, or standard input, may take once the other has ended, in milliseconds. */
  readonly waitMs: Readonly<Record<"end" | "input", number>>;
  /** How long the peer may take none of what is being sent, in milliseconds. */
  readonly stallMs: number;
  /** Bytes that wait to be sent; a change is progress. */
  readonly queuedBytes: () => number;
  /** Called once, with what did not happen. */
  readonly onExpired: (missing: Missing) => void;
}

/** What did not happen in time: the peer did not end, did not read, or no more input came. */
export type Missing = "end" | "reading" | "input";

/**
 * Watches the progress of two pumps: it gives up when no bytes move for too
 * long. Time in which the reader of our own output holds it up does not count.
 */
export class ProgressWatch implements Disposable {
  /** Something is being sent. */
  isSending = false;
  /** Our output waits for its reader. */
  isOutputBlocked = false;
  /** What has to come now for all to be done; nothing while both sides are open. */
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

  /** Something moved: all time counts from now. */
  touch(): void {
    this.#lastMs = performance.now();
  }

  /** From now on only this has to come. */
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
