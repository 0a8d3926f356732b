/** How long, and how often, a request is made again. */
export interface RetryOptions {
  /** From its first refusal on, in milliseconds. */
  readonly forMs: number;
  /** Between two tries, in milliseconds. */
  readonly everyMs: number;
}

/** Requests that the server could not serve for now, by their ids, and when to make them again. */
export class Retries implements Disposable {
  readonly #options: RetryOptions;
  readonly #onDue: (ids: readonly string[]) => void;
  /** When each was refused first, on the clock of `performance.now()`. */
  readonly #firstMs = new Map<string, number>();
  #due: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onDue` is told the ids that are to be asked again, in the order of their refusal. */
  constructor(options: RetryOptions, onDue: (ids: readonly string[]) => void) {
    this.#options = options;
    this.#onDue = onDue;
  }

  /** Whether nothing was refused that is still wanted. */
  get isEmpty(): boolean {
    return this.#firstMs.size === 0;
  }

  /** It was refused; `false` where it has been for too long. */
  add(id: string): boolean {
    const nowMs = performance.now();
    const firstMs = this.#firstMs.get(id) ?? nowMs;
    if (nowMs - firstMs >= this.#options.forMs) return false;
    this.#firstMs.set(id, firstMs);
    this.#due.push(id);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onDue(this.#due.splice(0));
    }, this.#options.everyMs);
    return true;
  }

  /** It was served, or is not wanted any more. */
  delete(id: string): void {
    this.#firstMs.delete(id);
  }

  /** Makes none again. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#due = [];
    this.#firstMs.clear();
  }
}
