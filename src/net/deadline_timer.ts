/** Deadlines of one connection in milliseconds, checked by a deadline timer; one object serves every connection of a server. */
export interface ConnectionLimits {
  /** From the opening to the peer's first byte. */
  readonly firstByteMs?: number | undefined;
  /** Since the last byte in either direction. */
  readonly idleMs?: number | undefined;
  /** From the opening to the close. */
  readonly totalMs?: number | undefined;
  /** For the peer to accept pending data. */
  readonly writeMs?: number | undefined;
  /** Maximum bytes that `Connection.send()` queues. */
  readonly outboxBytes?: number | undefined;
}

/** An object with deadlines: it compares its timestamps with the clock and closes itself when one has passed. */
export interface HasDeadlines {
  /** Called about once per interval with the clock in milliseconds. */
  checkDeadlines(nowMs: number): void;
}

/** A clock that costs only a field access to read. */
export interface CoarseClock {
  /** Milliseconds, monotonic; at most one interval old. */
  readonly nowMs: number;
}

/** Shortest and longest interval: half of 50 ms, half of 500 ms. */
const MIN_INTERVAL_MS = 25;
const MAX_INTERVAL_MS = 250;
/** Intervals per deadline: two of them are 5% of it. */
const INTERVALS = 40;
/** Intervals of shared timers, longest first. */
const SHARED_INTERVALS_MS = [MAX_INTERVAL_MS, 100, 50, MIN_INTERVAL_MS];
/** One per interval; they run only while a connection uses them. */
const SHARED = new Map<number, DeadlineTimer>();

/**
 * One timer for the deadlines of any number of connections: timers per read slow down an echo server considerably,
 * while comparing activity timestamps once per interval is almost free. A deadline fires up to two intervals late,
 * never early.
 *
 * The timer runs only while something has deadlines.
 */
export class DeadlineTimer implements CoarseClock, Disposable {
  /** Milliseconds between checks. */
  readonly intervalMs: number;
  nowMs: number;
  readonly #members = new Set<HasDeadlines>();
  readonly #now: () => number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastTickMs = 0;
  #hasSkipped = false;
  #holders = 0;

  /**
   * Creates a timer for these deadlines in milliseconds. Each fires at most 5% of the shortest one late, but no less
   * than 50 ms and no more than 500 ms.
   */
  static for(deadlinesMs: Iterable<number | undefined>): DeadlineTimer {
    return new DeadlineTimer(intervalFor(deadlinesMs));
  }

  /**
   * A timer that is at least as exact as {@linkcode for}, shared by all callers: a thousand idle client connections
   * must not have a thousand timers.
   */
  static sharedFor(deadlinesMs: Iterable<number | undefined>): DeadlineTimer {
    const wantedMs = intervalFor(deadlinesMs);
    const intervalMs = SHARED_INTERVALS_MS.find((ms) => ms <= wantedMs) ?? MIN_INTERVAL_MS;
    let timer = SHARED.get(intervalMs);
    if (timer === undefined) SHARED.set(intervalMs, timer = new DeadlineTimer(intervalMs));
    return timer;
  }

  /** Checks every `intervalMs`; `now` is a parameter for tests. */
  constructor(intervalMs = MAX_INTERVAL_MS, now: () => number = () => performance.now()) {
    this.intervalMs = intervalMs;
    this.#now = now;
    this.nowMs = now();
  }

  /** Number of watched objects. */
  get size(): number {
    return this.#members.size;
  }

  /** Checks the deadlines of this connection from now on. */
  add(member: HasDeadlines): void {
    this.nowMs = this.#now();
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#lastTickMs = this.nowMs;
    this.#timer = setInterval(() => this.#tick(), this.intervalMs);
    if (this.#holders === 0) Deno.unrefTimer(this.#timer);
  }

  /**
   * Keeps the process alive until {@linkcode release}, for a caller that waits only for a deadline. By default the
   * timer does not, so that a leaked connection cannot keep a program running.
   */
  hold(): void {
    if (this.#holders++ === 0 && this.#timer !== undefined) Deno.refTimer(this.#timer);
  }

  /** Undoes {@linkcode hold}. */
  release(): void {
    if (--this.#holders === 0 && this.#timer !== undefined) Deno.unrefTimer(this.#timer);
  }

  /** Checks them no longer. */
  delete(member: HasDeadlines): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this[Symbol.dispose]();
  }

  /** Checks all watched objects; the timer calls this. */
  run(): void {
    this.nowMs = this.#now();
    for (const member of this.#members) member.checkDeadlines(this.nowMs);
  }

  /**
   * A late timer means that this process was blocked, not its peers, so pending data is read before deadlines are
   * checked. Never twice in a row, so that deadlines also work in a process that is always late.
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

function intervalFor(deadlinesMs: Iterable<number | undefined>): number {
  let shortestMs = Infinity;
  for (const ms of deadlinesMs) if (ms !== undefined) shortestMs = Math.min(shortestMs, ms);
  return Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, shortestMs / INTERVALS));
}
