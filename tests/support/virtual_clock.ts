import type { Clock } from "../../src/relay/mod.ts";

/** A clock that jumps to the next wake-up whenever the program has nothing else to do. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #sleepers: { readonly dueMs: number; readonly wake: () => void }[] = [];
  #isTicking = false;

  now(): number {
    return this.#nowMs;
  }

  delay(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    this.#sleepers.push({ dueMs: this.#nowMs + milliseconds, wake: resolve });
    this.#sleepers.sort((a, b) => a.dueMs - b.dueMs);
    void this.#tick();
    return promise;
  }

  async #tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    while (this.#sleepers.length > 0) {
      await new Promise((resolve) => setTimeout(resolve));
      const next = this.#sleepers.shift();
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
    }
    this.#isTicking = false;
  }
}
