import type { Logger } from "../log/logger.ts";

/** Descriptors given back to the rest of the program once the system has refused one. */
const SPARE_DESCRIPTORS = 8;

/** Share of the limit below which the next time it is reached is worth a log line again. */
const CALM_SHARE = 0.9;

/** Options of {@linkcode Admission}. */
export interface AdmissionOptions {
  /** Most connections at once. */
  maxConnections: number;
  /** Receives one line when it becomes full, and one when it no longer is. */
  log?: Logger | undefined;
}

/**
 * Bounds the connections of a server, whatever number of listeners it has. An
 * accept loop asks for {@linkcode waitForSlot} before it accepts: who comes beyond the
 * limit waits in the kernel's backlog, costs nothing, and is served when
 * somebody leaves.
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
  #isFullSaid = false;
  #waiters: (() => void)[] = [];

  /** Starts empty. */
  constructor(options: AdmissionOptions) {
    this.#maxConnections = options.maxConnections;
    this.#log = options.log;
  }

  /** Most connections at once. */
  get maxConnections(): number {
    return this.#maxConnections;
  }

  /** Connections now. */
  get open(): number {
    return this.#open;
  }

  /** Waits until one more may come in, or the signal aborts; it does not throw. */
  async waitForSlot(signal: AbortSignal): Promise<void> {
    while (this.#open >= this.#maxConnections && !signal.aborted) {
      this.#sayFull();
      const woken = Promise.withResolvers<void>();
      const wake = () => woken.resolve();
      this.#waiters.push(wake);
      signal.addEventListener("abort", wake, { once: true });
      await woken.promise;
      signal.removeEventListener("abort", wake);
    }
  }

  /** Counts one in; `false`, and nothing is counted, when all places are taken. */
  enter(): boolean {
    if (this.#open >= this.#maxConnections) return false;
    this.#open++;
    return true;
  }

  /** Counts one out. */
  leave(): void {
    this.#open--;
    if (this.#isFullSaid && this.#open < this.#maxConnections * CALM_SHARE) {
      this.#isFullSaid = false;
      this.#log?.info("accepting again", { connections: this.#open });
    }
    this.#wake();
  }

  /**
   * The system has refused a descriptor: from now on fewer connections than
   * are open now, so that the rest of the program does not run out of them too.
   * Whether that has changed the limit, and was logged.
   */
  shrink(): boolean {
    const fitting = Math.max(1, this.#open - SPARE_DESCRIPTORS);
    if (fitting >= this.#maxConnections) return false;
    this.#maxConnections = fitting;
    this.#isFullSaid = true;
    this.#log?.error("out of file descriptors: accepting fewer connections from now on", { max: fitting });
    return true;
  }

  #sayFull(): void {
    if (this.#isFullSaid) return;
    this.#isFullSaid = true;
    this.#log?.warning("full: new connections wait until one leaves", { max: this.#maxConnections });
  }

  #wake(): void {
    if (this.#waiters.length === 0 || this.#open >= this.#maxConnections) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
