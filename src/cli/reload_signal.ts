/** Reads its files again; it says in the log what came of it and does not throw. */
export type Reload = () => Promise<void>;

/**
 * SIGHUP: read the files again and go on. It keeps its usual effect, the end
 * of the program, where there is nothing to read again, and on Windows.
 */
export class ReloadSignal implements Disposable {
  readonly #reloads: Reload[] = [];
  #last: Promise<void> = Promise.resolve();

  /** One more thing to do at the signal; the first one takes the signal over until disposed of. */
  add(reload: Reload): void {
    this.#reloads.push(reload);
    if (this.#reloads.length === 1 && Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", this.#onSignal);
  }

  /** Gives the signal its usual effect back. */
  [Symbol.dispose](): void {
    if (this.#reloads.length > 0 && Deno.build.os !== "windows") {
      Deno.removeSignalListener("SIGHUP", this.#onSignal);
    }
    this.#reloads.length = 0;
  }

  /** One after the other: two quick signals must not end with the older state. */
  readonly #onSignal = (): void => {
    this.#last = this.#last.then(async () => {
      for (const reload of this.#reloads) await reload();
    });
  };
}
