/** Deadlines of one connection in milliseconds, checked by a deadline timer; one object serves every connection of a server. */
export interface ConnectionLimits {
  /** From the opening to the first byte of the peer. */
  readonly firstByteMs?: number | undefined;
  /** Since anything came or went. */
  readonly idleMs?: number | undefined;
  /** From the opening to the end. */
  readonly totalMs?: number | undefined;
  /** For the peer to take what is being written. */
  readonly writeMs?: number | undefined;
  /** Maximum bytes that `Connection.send()` queues. */
  readonly outboxBytes?: number | undefined;
}

/** What a deadline timer checks: it compares its own stamps with the clock and closes itself when one is overdue. */
export interface HasDeadlines {
  /** Called about once an interval, with its clock in milliseconds. */
  checkDeadlines(nowMs: number): void;
}

/** A clock that is read by looking at a field. */
export interface CoarseClock {
  /** Milliseconds, monotonic; at most one interval old. */
  readonly nowMs: number;
}

/** Intervals: two of the shortest are 50 ms, two of the longest half a second. */
const MIN_INTERVAL_MS = 25;
const MAX_INTERVAL_MS = 250;
/** Intervals in a deadline, so that two of them are a twentieth of it. */
const INTERVALS = 40;

/**
 * One timer for the deadlines of any number of connections: a timer for each
 * read would cost an echo server a third of its speed, while comparing "last
 * active" stamps once an interval costs next to nothing. A deadline is met late
 * by up to two intervals, never early.
 *
 * The timer runs only while something has deadlines.
 */
export class DeadlineTimer implements CoarseClock, Disposable {
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  nowMs: number;
  readonly #members = new Set<HasDeadlines>();
  readonly #now: () => number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastTickMs = 0;
  #hasSkipped = false;
  #holders = 0;

  /**
   * Checks often enough for the shortest of the deadlines, in milliseconds: each
   * is met at most 50 ms late, or a twentieth of the shortest one where that is
   * more, and at most half a second.
   */
  static for(deadlinesMs: Iterable<number | undefined>): DeadlineTimer {
    let shortestMs = Infinity;
    for (const ms of deadlinesMs) if (ms !== undefined) shortestMs = Math.min(shortestMs, ms);
    return new DeadlineTimer(Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, shortestMs / INTERVALS)));
  }

  /** Checks every `intervalMs`; `now` is there for tests. */
  constructor(intervalMs = MAX_INTERVAL_MS, now: () => number = () => performance.now()) {
    this.intervalMs = intervalMs;
    this.#now = now;
    this.nowMs = now();
  }

  /** How many are being watched. */
  get size(): number {
    return this.#members.size;
  }

  /** Watches one more. */
  add(member: HasDeadlines): void {
    this.nowMs = this.#now();
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#lastTickMs = this.nowMs;
    this.#timer = setInterval(() => this.#tick(), this.intervalMs);
    if (this.#holders === 0) Deno.unrefTimer(this.#timer);
  }

  /**
   * Keeps the process alive until {@linkcode release}, for a caller that waits
   * for nothing but a deadline. By default the timer does not: a connection that
   * was forgotten must not keep a program from ending.
   */
  hold(): void {
    if (this.#holders++ === 0 && this.#timer !== undefined) Deno.refTimer(this.#timer);
  }

  /** Ends what {@linkcode hold} began. */
  release(): void {
    if (--this.#holders === 0 && this.#timer !== undefined) Deno.unrefTimer(this.#timer);
  }

  /** Watches it no longer. */
  delete(member: HasDeadlines): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this[Symbol.dispose]();
  }

  /** One look at all of them; the timer does this by itself. */
  run(): void {
    this.nowMs = this.#now();
    for (const member of this.#members) member.checkDeadlines(this.nowMs);
  }

  /**
   * A timer that comes late means that this program stood still, not its
   * peers: what they have sent meanwhile is read before they are judged. Only
   * once in a row, so that a program that is always late still meets deadlines.
   */
  #tick(): void {
    const nowMs = this.#now();
    const isLate = nowMs - this.#lastTickMs > 2 * this.intervalMs;
    this.#lastTickMs = nowMs;
    this.#hasSkipped = isLate && !this.#hasSkipped;
    if (this.#hasSkipped) this.nowMs = nowMs;
    else this.run();
  }

  /** Stops the timer. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
