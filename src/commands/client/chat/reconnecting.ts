import { Backoff } from "../../../base/backoff.ts";
import { ClosedEarlyError, messageOf, ParleyError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import { pause } from "../../../net/wait.ts";

/** Options of {@linkcode Reconnecting}. */
interface ReconnectingOptions {
  /** How long to try after a connection was lost, in milliseconds. */
  readonly forMs: number;
  /** Called once for each lost connection. */
  readonly onStatus: (text: string) => void;
  /** Ends a wait. */
  readonly signal: AbortSignal;
}

/** The waits between the attempts of a client to connect again. */
export class Reconnecting {
  readonly #options: ReconnectingOptions;
  readonly #backoff = new Backoff({ first: 250, max: 10_000, jitter: 0.5 });
  #lostMs: number | undefined;

  constructor(options: ReconnectingOptions) {
    this.#options = options;
  }

  /**
   * Waits before the next attempt.
   *
   * @param wasConnected Whether the connection that ended was accepted by the server: the time starts again.
   * @throws The error, once the time is over.
   */
  async waitAfter(error: unknown, wasConnected: boolean): Promise<void> {
    const { forMs, onStatus, signal } = this.#options;
    if (wasConnected) {
      this.#backoff.reset();
      this.#lostMs = undefined;
    }
    this.#lostMs ??= performance.now();
    const leftMs = this.#lostMs + forMs - performance.now();
    if (leftMs <= 0) {
      if (error instanceof ParleyError) throw error;
      throw new ClosedEarlyError(messageOf(error), { cause: error });
    }
    if (this.#backoff.isFresh) {
      onStatus(`connection lost (${messageOf(error)}); trying again for ${formatDuration(forMs)}`);
    }
    await pause(Math.min(this.#backoff.next(), leftMs), signal);
  }
}
