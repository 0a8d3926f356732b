interface Entry {
  readonly dueMs: number;
  readonly action: () => void;
}

/** Does things later, in the order in which they are due, with one timer for all. */
export class DelayQueue {
  readonly #now: () => number;
  readonly #entries: Entry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #emptied: PromiseWithResolvers<void> | undefined;

  /** `now` gives milliseconds, monotonic. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many wait. */
  get length(): number {
    return this.#entries.length;
  }

  /** Calls `action` at `dueMs`; of those due at the same time, the one that was added first goes first. */
  add(dueMs: number, action: () => void): void {
    let at = this.#entries.length;
    // From the end: what comes later is hardly ever due earlier.
    while (at > 0 && (this.#entries[at - 1]?.dueMs ?? 0) > dueMs) at--;
    this.#entries.splice(at, 0, { dueMs, action });
    if (at === 0) this.#arm();
  }

  /** Settles when nothing waits any more. */
  async whenEmpty(): Promise<void> {
    if (this.#entries.length > 0) await (this.#emptied ??= Promise.withResolvers()).promise;
  }

  /** Forgets what waits; the number of what is forgotten. */
  clear(): number {
    const count = this.#entries.length;
    this.#entries.length = 0;
    this.#settle();
    return count;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.#entries[0];
    if (first === undefined) return this.#settle();
    this.#timer = setTimeout(() => this.#run(), Math.max(0, first.dueMs - this.#now()));
  }

  #run(): void {
    const nowMs = this.#now();
    let due = 0;
    while (due < this.#entries.length && (this.#entries[due]?.dueMs ?? 0) <= nowMs) due++;
    for (const { action } of this.#entries.splice(0, due)) action();
    this.#arm();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }
}
