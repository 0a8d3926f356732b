import { startTimer } from "../net/wait.ts";

interface Entry {
  readonly dueMs: number;
  readonly action: () => void;
}

/** Runs actions at their due times, in order, with a single timer. */
export class DelayQueue {
  readonly #now: () => number;
  readonly #entries: Entry[] = [];
  #timer: Disposable | undefined;
  #emptied: PromiseWithResolvers<void> | undefined;

  /** `now` returns milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Number of pending actions. */
  get length(): number {
    return this.#entries.length;
  }

  /** Calls `action` at `dueMs`; actions due at the same time run in the order of the calls. */
  add(dueMs: number, action: () => void): void {
    let at = this.#entries.length;
    // Searched from the end, because a new action is rarely due before others.
    while (at > 0 && (this.#entries[at - 1]?.dueMs ?? 0) > dueMs) at--;
    this.#entries.splice(at, 0, { dueMs, action });
    if (at === 0) this.#arm();
  }

  /** Settles when nothing is pending. */
  async whenEmpty(): Promise<void> {
    if (this.#entries.length > 0) await (this.#emptied ??= Promise.withResolvers()).promise;
  }

  /** Discards pending actions; returns their number. */
  clear(): number {
    const count = this.#entries.length;
    this.#entries.length = 0;
    this.#settle();
    return count;
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    const first = this.#entries[0];
    if (first === undefined) return this.#settle();
    this.#timer = startTimer(Math.max(0, first.dueMs - this.#now()), () => this.#run());
  }

  #run(): void {
    const nowMs = this.#now();
    let due = 0;
    while (due < this.#entries.length && (this.#entries[due]?.dueMs ?? 0) <= nowMs) due++;
    for (const { action } of this.#entries.splice(0, due)) action();
    this.#arm();
  }

  #settle(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }
}
