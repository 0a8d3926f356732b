/** Reloads files; logs the result and does not throw. */
export type Reload = () => Promise<void>;

/**
 * Handles SIGHUP as a reload of files. If nothing can be reloaded, and on Windows, SIGHUP ends the program as usual.
 */
export class ReloadSignal implements Disposable {
  readonly #reloads: Reload[] = [];
  #last: Promise<void> = Promise.resolve();

  /** Adds a handler; the signal is handled from the first one until disposal. */
  add(reload: Reload): void {
    this.#reloads.push(reload);
    if (this.#reloads.length === 1 && Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", this.#onSignal);
  }

  /** Whether SIGHUP is handled. */
  get isUsed(): boolean {
    return this.#reloads.length > 0;
  }

  /** Restores the default effect of the signal. */
  [Symbol.dispose](): void {
    if (this.#reloads.length > 0 && Deno.build.os !== "windows") {
      Deno.removeSignalListener("SIGHUP", this.#onSignal);
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
