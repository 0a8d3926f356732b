import type { Clock } from "./clock.ts";

/** Maximum delayed bytes: the content of a link of 100 Mbit/s with a latency of 600 ms. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Options of a {@linkcode DelayLine}. */
interface DelayLineOptions {
  readonly clock: Clock;
  /** Ends all waits: queued items are released immediately. */
  readonly removed: AbortSignal;
}

/** A delay line: releases items at their time, in order. */
export class DelayLine {
  readonly #clock: Clock;
  readonly #removed: AbortSignal;
  readonly #line: { readonly dueMs: number; readonly size: number; readonly leave: () => Promise<void> }[] = [];
  #bytes = 0;
  #isRunning = false;
  #failure: unknown;
  #room: PromiseWithResolvers<void> | undefined;

  constructor({ clock, removed }: DelayLineOptions) {
    this.#clock = clock;
    this.#removed = removed;
  }

  /** Whether any item is queued or being released. */
  get isHolding(): boolean {
    return this.#line.length > 0;
  }

  /**
   * Queues an item; settles when there is room for another.
   *
   * @throws The error of an earlier item's release.
   */
  async add(dueMs: number, size: number, leave: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#line.push({ dueMs, size, leave });
    this.#bytes += size;
    if (!this.#isRunning) void this.#run();
    while (this.#bytes > MAX_BYTES) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let first = this.#line[0]; first !== undefined; first = this.#line[0]) {
      const waitMs = first.dueMs - this.#clock.now();
      if (waitMs > 0 && !this.#removed.aborted) await this.#clock.delay(waitMs, this.#removed);
      try {
        if (this.#failure === undefined) await first.leave();
      } catch (error) {
        this.#failure = error;
      }
      this.#line.shift();
      this.#bytes -= first.size;
      if (this.#bytes <= MAX_BYTES) {
        this.#room?.resolve();
        this.#room = undefined;
      }
    }
    this.#isRunning = false;
  }
}
