import type { Logger } from "../log/logger.ts";
import { onAbort } from "../net/wait.ts";

/** Descriptors reserved for the rest of the program after the process has run out of them. */
const SPARE_DESCRIPTORS = 8;

/** Share of the limit that the count must fall below before reaching the limit is logged again. */
const CALM_SHARE = 0.9;

/** Minimum time between two logs of reaching the limit, which every client of a server with a low limit does. */
const REPORT_MS = 60_000;

/** Options of {@linkcode Admission}. */
export interface AdmissionOptions {
  /** Maximum concurrent connections. */
  maxConnections: number;
  /** Logs when the limit is reached and when it no longer is. */
  log?: Logger | undefined;
}

/**
 * Limits the connections of a server over all its listeners. An accept loop awaits {@linkcode waitForSlot} before it
 * accepts: clients beyond the limit wait in the kernel's backlog, use no resources of the process, and are served when
 * a connection ends.
 *
 * @example Two at once
 * ```ts
 * import { Admission } from "@parley/parley/server";
 * import { assertEquals } from "@std/assert";
 *
 * const admission = new Admission({ maxConnections: 2 });
 * assertEquals([admission.enter(), admission.enter(), admission.enter()], [true, true, false]);
 * admission.leave();
 * await admission.waitForSlot(new AbortController().signal);
 * ```
 */
export class Admission {
  readonly #log: Logger | undefined;
  #maxConnections: number;
  #open = 0;
  #isFull = false;
  /** The log has that it is full. */
  #isReported = false;
  #reportedMs = -Infinity;
  /** How often the limit was reached since the last report. */
  #times = 0;
  #waiters: (() => void)[] = [];

  /** Starts with no connection counted. */
  constructor(options: AdmissionOptions) {
    this.#maxConnections = options.maxConnections;
    this.#log = options.log;
  }

  /** Maximum concurrent connections. */
  get maxConnections(): number {
    return this.#maxConnections;
  }

  /** Current connections. */
  get open(): number {
    return this.#open;
  }

  /** Waits for a free slot or until the signal aborts; does not throw. */
  async waitForSlot(signal: AbortSignal): Promise<void> {
    while (this.#open >= this.#maxConnections && !signal.aborted) {
      this.#sayFull();
      const woken = Promise.withResolvers<void>();
      this.#waiters.push(woken.resolve);
      using _end = onAbort(signal, woken.resolve);
      await woken.promise;
    }
  }

  /** Takes a slot; `false` if none is free. */
  enter(): boolean {
    if (this.#open >= this.#maxConnections) return false;
    this.#open++;
    return true;
  }

  /** Releases a slot. */
  leave(): void {
    this.#open--;
    if (this.#isFull && this.#open < this.#maxConnections * CALM_SHARE) {
      this.#isFull = false;
      if (this.#isReported) this.#log?.info("accepting again", { connections: this.#open });
      this.#isReported = false;
    }
    this.#wake();
  }

  /**
   * Lowers the limit below the current number of connections after the process has run out of descriptors, so that the
   * rest of the program has some. Returns whether the limit has changed, which is then logged.
   */
  shrink(): boolean {
    const fitting = Math.max(1, this.#open - SPARE_DESCRIPTORS);
    if (fitting >= this.#maxConnections) return false;
    this.#maxConnections = fitting;
    this.#isFull = this.#isReported = true;
    this.#log?.error("out of file descriptors: accepting fewer connections from now on", { max: fitting });
    return true;
  }

  #sayFull(): void {
    // With a limit of one, each client would be logged.
    if (this.#isFull || this.#maxConnections === 1) return;
    this.#isFull = true;
    this.#times++;
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs < REPORT_MS) return;
    this.#log?.warning("full: new connections wait until one leaves", {
      max: this.#maxConnections,
      ...this.#times > 1 && { times: this.#times },
    });
    this.#reportedMs = nowMs;
    this.#isReported = true;
    this.#times = 0;
  }

  #wake(): void {
    if (this.#waiters.length === 0 || this.#open >= this.#maxConnections) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
