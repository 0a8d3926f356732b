import type { Connection } from "./connection.ts";

/** What an idle connection did: nothing, it ended, or it said something that nobody asked for. */
export type IdleOutcome = "quiet" | "ended" | "spoke";

/**
 * Watches a connection that nobody uses, by a read that is left pending: the
 * peer's end is seen when it comes, and a byte that comes after the watch has
 * ended goes to the next reader.
 */
export class IdleWatch {
  readonly #stop = new AbortController();
  readonly #outcome: Promise<IdleOutcome>;

  /** `onEvent` is called when the connection does not stay quiet. */
  constructor(connection: Connection, onEvent: (outcome: IdleOutcome) => void) {
    this.#outcome = connection.read({ signal: this.#stop.signal }).then(
      (bytes) => bytes === null ? "ended" : "spoke",
      () => this.#stop.signal.aborted && connection.closeReason === undefined ? "quiet" : "ended",
    );
    void this.#outcome.then((outcome) => {
      if (outcome !== "quiet") onEvent(outcome);
    });
  }

  /** Ends the watch; what the connection did until now. */
  async end(): Promise<IdleOutcome> {
    this.#stop.abort();
    return await this.#outcome;
  }
}
