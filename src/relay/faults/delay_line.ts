import type { Clock } from "./clock.ts";

/** Bytes that may wait: a link of 100 Mbit/s with 600 ms on the way holds as many. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Options of a {@linkcode DelayLine}. */
interface DelayLineOptions {
  readonly clock: Clock;
  /** Ends all waits: what is in line leaves at once. */
  readonly removed: AbortSignal;
}

/** Lets things leave at their time, in the order in which they came. */
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

  /** Whether anything waits, or is leaving. */
  get isHolding(): boolean {
    return this.#line.length > 0;
  }

  /**
   * Puts one thing at the end of the line; settles when there is room for another.
   *
   * @throws What an earlier one has thrown when it left.
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
