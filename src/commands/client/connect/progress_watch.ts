import { TimeoutError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";

/** Options of {@linkcode ProgressWatch}. */
interface WatchOptions {
  /**
   * Time limits in milliseconds: for the peer's end once standard input has ended, for more input once the peer has
   * ended, and for data in either direction before that.
   */
  readonly waitMs: Readonly<Record<"end" | "input" | "idle", number>>;
  /** How long the peer may accept no data during a send, in milliseconds. */
  readonly stallMs: number;
  /** Bytes queued for sending; a change is progress. */
  readonly queuedBytes: () => number;
  /** Called once with what timed out. */
  readonly onExpired: (missing: Missing) => void;
}

/** What timed out: the peer's end, the peer's reading, more input, or any data. */
export type Missing = "end" | "reading" | "input" | "idle";

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
    const shortestMs = Math.min(...Object.values(options.waitMs), options.stallMs);
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
    const missing = this.isSending ? "reading" : this.awaited ?? "idle";
    if (quietMs < (missing === "reading" ? this.#options.stallMs : this.#options.waitMs[missing])) return;
    clearInterval(this.#timer);
    this.#options.onExpired(missing);
  }
}

/** The error if there was no data in either direction. */
export function idleTimeout(remote: Endpoint, idleMs: number): TimeoutError {
  const endpoint = formatEndpoint(remote);
  const message = `The connection to ${endpoint} timed out: nothing was received or sent for ${formatDuration(idleMs)}`;
  return new TimeoutError("idle", message, { endpoint, afterMs: idleMs });
}
