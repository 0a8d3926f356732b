// @ts-types="./fake_timers.d.ts"
import { type FakeClock, install } from "npm:@sinonjs/fake-timers@15.5.0";

/**
 * Timers, dates and `performance.now()` under the test's control until it is
 * disposed of. Sockets go on working: each step leaves the event loop a turn.
 */
export class FakeTime implements Disposable {
  readonly #clock: FakeClock;

  constructor() {
    const toFake = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"];
    // A server that runs already may clear a timer of its own while the time is the test's.
    this.#clock = install({ toFake, now: Date.now(), shouldClearNativeTimers: true });
  }

  /** Lets time pass: what falls due meanwhile happens in its order. */
  async advance(milliseconds: number): Promise<void> {
    await this.#clock.tickAsync(milliseconds);
  }

  /** Lets time pass in which nothing could happen, as on a machine that is busy; each timer fires once. */
  jump(milliseconds: number): void {
    this.#clock.jump(milliseconds);
  }

  /** Timers that have not fired. */
  get timerCount(): number {
    return this.#clock.countTimers();
  }

  [Symbol.dispose](): void {
    this.#clock.uninstall();
  }
}

/** Options of {@linkcode drip}. */
interface DripOptions {
  /** Time between two bytes, in milliseconds. */
  readonly everyMs: number;
  /** Sends the next byte, as a peer does that is never silent for long and never done. */
  readonly send: (index: number) => unknown;
  /** Settles when the peer has been given up. */
  readonly ended: Promise<unknown>;
  /** Beyond this the deadline counts as missing. */
  readonly maxMs: number;
}

/** The time that a peer was given that sends one byte after another without an end; `Infinity` if it was not given up. */
export async function drip(time: FakeTime, { everyMs, send, ended, maxMs }: DripOptions): Promise<number> {
  const startMs = performance.now();
  let endMs = Infinity;
  const watching = ended.then(() => endMs = performance.now(), () => endMs = performance.now());
  for (let index = 0; performance.now() - startMs < maxMs; index++) {
    send(index);
    await time.advance(everyMs);
    if (endMs !== Infinity) return endMs - startMs;
  }
  // Its outcome is no longer used.
  void watching;
  return Infinity;
}
