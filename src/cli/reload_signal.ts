import type { SignalSource, StopSignals } from "./stop_signals.ts";

/** Reloads files; logs the result and does not throw. */
export type Reload = () => Promise<void>;

/**
 * Handles SIGHUP as a reload of files. If nothing can be reloaded, and on Windows, SIGHUP ends the program as usual.
 */
export class ReloadSignal implements Disposable {
  readonly #reloads: Reload[] = [];
  readonly #stop: StopSignals | undefined;
  readonly #source: SignalSource;
  #leaving: Disposable | undefined;
  #last: Promise<void> = Promise.resolve();

  /** `stop` leaves SIGHUP to this one once it is handled. */
  constructor(stop?: StopSignals, source: SignalSource = Deno) {
    this.#stop = stop;
    this.#source = source;
  }

  /** Adds a handler; the signal is handled from the first one until disposal. */
  add(reload: Reload): void {
    this.#reloads.push(reload);
    if (this.#reloads.length > 1 || Deno.build.os === "windows") return;
    this.#source.addSignalListener("SIGHUP", this.#onSignal);
    this.#leaving = this.#stop?.leaveHangups();
  }

  /** Restores the default effect of the signal. */
  [Symbol.dispose](): void {
    if (this.#reloads.length > 0 && Deno.build.os !== "windows") {
      this.#source.removeSignalListener("SIGHUP", this.#onSignal);
      this.#leaving?.[Symbol.dispose]();
    }
    this.#reloads.length = 0;
  }

  /** Serialized, so that two quick signals do not end with the older state. */
  readonly #onSignal = (): void => {
    this.#last = this.#last.then(async () => {
      for (const reload of this.#reloads) await reload();
    });
  };
}
