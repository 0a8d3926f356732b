/** A signal that counts its listeners: one that is left behind lives, with all it holds, as long as the signal does. */
export class WatchedSignal {
  readonly #controller = new AbortController();
  /** Those that were added and not removed; of a `once` listener that was called nothing is left. */
  readonly listeners = new Set<unknown>();

  constructor() {
    const { signal } = this.#controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    const { listeners } = this;
    Object.defineProperties(signal, {
      addEventListener: {
        value(...args: Parameters<typeof add>) {
          listeners.add(args[1]);
          add(...args);
        },
      },
      removeEventListener: {
        value(...args: Parameters<typeof remove>) {
          listeners.delete(args[1]);
          remove(...args);
        },
      },
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }
}
