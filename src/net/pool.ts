import { DEFAULTS } from "../base/defaults.ts";
import { LimitError, messageOf, ParleyError, TimeoutError } from "../base/errors.ts";
import { type Duration, formatDuration, parseDuration } from "../base/units.ts";
import type { Connection } from "./connection.ts";
import { PoolLease } from "./pool_lease.ts";
import { abortable, nextTurn, startTimer, type WaitOptions } from "./wait.ts";

/** The behavior of `acquire()` when all connections are in use. */
export type PoolOverflow =
  /** Waits in order. */
  | "wait"
  /** Throws immediately. */
  | "fail"
  /** Opens an extra connection, which is closed after use. */
  | "grow";

/** Options of {@linkcode ConnectionPool}. */
export interface PoolOptions {
  /**
   * Maximum number of connections.
   *
   * @default {10}
   */
  size?: number;
  /**
   * Maximum number of idle connections that are kept open.
   *
   * @default {size}
   */
  maxIdle?: number;
  /**
   * Maximum time that an idle connection is kept open.
   *
   * @default {"30s"}
   */
  idleTimeout?: Duration;
  /**
   * Maximum wait for a connection.
   *
   * @default {"10s"}
   */
  waitTimeout?: Duration;
  /**
   * Behavior when all connections are in use.
   *
   * @default {"wait"}
   */
  overflow?: PoolOverflow;
  /**
   * Checks whether an idle connection is still usable; on `false` or an error the pool uses another. It must read all
   * replies to its own requests.
   */
  healthCheck?: (connection: Connection) => Promise<boolean>;
  /**
   * A connection released less than this ago is handed out immediately; a close by the peer may then go unnoticed.
   * Otherwise, or always with `0`, the pool first waits two turns of the event loop, a few milliseconds.
   *
   * @default {"1s"}
   */
  trustFor?: Duration;
}

interface Idle {
  readonly connection: Connection;
  readonly sinceMs: number;
  /** The peer has closed, or sent unsolicited bytes. */
  isSpoilt: boolean;
}

type Waiter = PromiseWithResolvers<PoolLease>;

/**
 * A pool of reusable connections to one peer.
 *
 * Callers are served in order. A connection that the peer has closed, or on which it sent unsolicited bytes, is never
 * handed out.
 *
 * @example Two exchanges over one connection
 * ```ts
 * import { connect, ConnectionPool, listen } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = await listen("tcp://127.0.0.1:0");
 * await using pool = new ConnectionPool((signal) => connect(listener.endpoint, { signal }), { size: 4 });
 * await pool.use((connection) => connection.write("one"));
 * await pool.use((connection) => connection.write("two"));
 * assertEquals(pool.stats, { idle: 1, leased: 0, opening: 0, waiting: 0 });
 * await using _served = await listener.accept();
 * ```
 */
export class ConnectionPool implements AsyncDisposable {
  readonly #connect: (signal: AbortSignal) => Promise<Connection>;
  readonly #size: number;
  readonly #maxIdle: number;
  readonly #idleTimeoutMs: number;
  readonly #waitTimeoutMs: number;
  readonly #trustForMs: number;
  readonly #overflow: PoolOverflow;
  readonly #healthCheck: PoolOptions["healthCheck"];
  readonly #closing = new AbortController();
  readonly #idle: Idle[] = [];
  readonly #leased = new Set<Connection>();
  #waiters: Waiter[] = [];
  #looking = 0;
  #dialing = 0;
  #idleTimer: Disposable | undefined;
  #empty: PromiseWithResolvers<void> | undefined;

  /** Creates a pool. `connect` opens one connection; its signal aborts when the pool is closed. */
  constructor(connect: (signal: AbortSignal) => Promise<Connection>, options: PoolOptions = {}) {
    this.#connect = connect;
    this.#size = atLeast(1, options.size ?? 10, "size");
    this.#maxIdle = atLeast(0, options.maxIdle ?? this.#size, "maxIdle");
    this.#idleTimeoutMs = parseDuration(options.idleTimeout ?? "30s");
    this.#waitTimeoutMs = parseDuration(options.waitTimeout ?? "10s");
    this.#trustForMs = parseDuration(options.trustFor ?? "1s");
    this.#overflow = options.overflow ?? "wait";
    this.#healthCheck = options.healthCheck;
  }

  /** Number of connections by state, and of waiting callers. */
  get stats(): { readonly idle: number; readonly leased: number; readonly opening: number; readonly waiting: number } {
    return {
      idle: this.#idle.length,
      leased: this.#leased.size,
      opening: this.#dialing,
      waiting: this.#waiters.length,
    };
  }

  /**
   * Leases a connection until it is released.
   *
   * @throws {TimeoutError} No connection became free in time.
   * @throws {LimitError} All connections are in use, and the policy is to fail.
   * @throws {ParleyError} The pool is closed, or no connection could be opened.
   */
  async acquire(options: WaitOptions = {}): Promise<PoolLease> {
    this.#mustBeOpen();
    if (this.#overflow === "fail" && this.#total >= this.#size && this.#idle.length === 0) {
      throw new LimitError(`Cannot take a connection: all ${this.#size} of the pool are in use`);
    }
    const waiter: Waiter = Promise.withResolvers();
    this.#waiters.push(waiter);
    this.#serve();
    const timeout = parseDuration(options.timeout ?? this.#waitTimeoutMs);
    try {
      return await abortable(waiter.promise, { ...options, timeout }, () => this.#waitTimeout(timeout));
    } catch (error) {
      const isQueued = this.#waiters.includes(waiter);
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      // The lease arrived just as the caller gave up: pass it to the next.
      if (!isQueued) void waiter.promise.then((lease) => lease.release(), ignore);
      throw error;
    }
  }

  /**
   * Runs `work` with a connection. If it throws, the connection is closed, because an unread reply may still arrive.
   */
  async use<T>(work: (connection: Connection) => Promise<T>, options?: WaitOptions): Promise<T> {
    await using lease = await this.acquire(options);
    try {
      return await work(lease.connection);
    } catch (error) {
      lease.discard();
      throw error;
    }
  }

  /**
   * Rejects new and waiting callers, closes idle connections, and waits for those in use; any not released in time are
   * closed.
   */
  async close(drainTimeout: Duration = DEFAULTS.drainTimeoutMs): Promise<void> {
    this.#closing.abort(closedError());
    this.#idleTimer?.[Symbol.dispose]();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closedError());
    for (const { connection } of this.#idle.splice(0)) connection.close();
    if (this.#total === 0) return;
    this.#empty ??= Promise.withResolvers();
    const force = () => {
      for (const connection of this.#leased) connection.close("drain", closedError());
      this.#leased.clear();
      this.#empty?.resolve();
    };
    using _timer = startTimer(parseDuration(drainTimeout), force);
    await this.#empty.promise;
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #total(): number {
    return this.#idle.length + this.#leased.size + this.#looking + this.#dialing;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Starts as many checks and connections as the waiting callers need. */
  #serve(): void {
    while (this.#waiters.length > this.#looking && this.#idle.length > 0) {
      const idle = this.#idle.pop();
      if (idle) void this.#look(idle);
    }
    while (
      this.#waiters.length > this.#looking + this.#dialing &&
      (this.#total < this.#size || this.#overflow === "grow")
    ) void this.#dial();
  }

  async #dial(): Promise<void> {
    this.#dialing++;
    try {
      const connection = await this.#connect(this.#closing.signal);
      this.#dialing--;
      this.#offer(connection);
    } catch (error) {
      this.#dialing--;
      this.#waiters.shift()?.reject(error);
      this.#serve();
      this.#settleEmpty();
    }
  }

  /** Hands out an idle connection if it is still usable. */
  async #look(idle: Idle): Promise<void> {
    const { connection, sinceMs } = idle;
    this.#looking++;
    let isGood = false;
    try {
      if (performance.now() - sinceMs < this.#trustForMs) {
        // Buffered data is reported in the next microtask.
        await undefined;
      } else {
        // The runtime reports a close only after it has polled the sockets, and in the first turn timers may run before
        // that.
        await nextTurn();
        await nextTurn();
      }
      isGood = !idle.isSpoilt && connection.closeReason === undefined && await this.#isHealthy(connection);
    } catch (error) {
      connection.log.debug("the health check failed", { error: messageOf(error) });
    }
    this.#looking--;
    if (isGood) return this.#offer(connection);
    connection.close();
    this.#serve();
    this.#settleEmpty();
  }

  #isHealthy(connection: Connection): boolean | Promise<boolean> {
    if (this.#healthCheck === undefined) return true;
    const timeout = this.#waitTimeoutMs;
    const options = { timeout, signal: this.#closing.signal };
    return abortable(this.#healthCheck(connection), options, () => this.#waitTimeout(timeout));
  }

  #offer(connection: Connection): void {
    const waiter = this.#isClosed ? undefined : this.#waiters.shift();
    if (waiter === undefined) return this.#keep(connection);
    this.#lend(connection, waiter);
  }

  #lend(connection: Connection, waiter: Waiter): void {
    this.#leased.add(connection);
    waiter.resolve(new PoolLease(connection, (isReusable) => this.#takeBack(connection, isReusable)));
  }

  #takeBack(connection: Connection, isReusable: boolean): void {
    this.#leased.delete(connection);
    const isGood = isReusable && connection.closeReason === undefined && !connection.isReadEnded &&
      connection.unreadBytes === 0;
    if (!isGood) connection.close();
    else if (this.#total < this.#size) this.#offer(connection);
    else this.#keep(connection);
    if (!this.#isClosed) this.#serve();
    this.#settleEmpty();
  }

  #keep(connection: Connection): void {
    const isWanted = this.#waiters.length > 0 || this.#idle.length < this.#maxIdle;
    if (this.#isClosed || !isWanted || this.#total >= this.#size) {
      connection.close();
      this.#settleEmpty();
      return;
    }
    const idle: Idle = { connection, sinceMs: performance.now(), isSpoilt: false };
    this.#idle.push(idle);
    connection.watch(() => {
      idle.isSpoilt = true;
      const index = this.#idle.indexOf(idle);
      if (index === -1) return;
      connection.log.debug("the peer ended or sent something while idle");
      this.#idle.splice(index, 1);
      connection.close();
    });
    this.#idleTimer ??= startTimer(this.#idleTimeoutMs, () => this.#expire());
  }

  /** Closes connections that have been idle for too long; the list is ordered by idle time. */
  #expire(): void {
    const nowMs = performance.now();
    const overdue = this.#idle.filter(({ sinceMs }) => nowMs - sinceMs >= this.#idleTimeoutMs);
    this.#idle.splice(0, overdue.length);
    for (const { connection } of overdue) connection.close("idle timeout");
    const first = this.#idle[0];
    this.#idleTimer = first && startTimer(first.sinceMs + this.#idleTimeoutMs - nowMs, () => this.#expire());
  }

  #waitTimeout(timeoutMs: number): Error {
    const { leased, opening } = this.stats;
    return new TimeoutError(
      "pool",
      `No connection was free within ${
        formatDuration(Math.round(timeoutMs))
      } (${leased} of ${this.#size} in use, ${opening} being opened)`,
      { afterMs: timeoutMs },
    );
  }

  #settleEmpty(): void {
    if (this.#total === 0) this.#empty?.resolve();
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw closedError();
  }
}

function closedError(): ParleyError {
  return new ParleyError("The connection pool is closed");
}

function atLeast(min: number, value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`Cannot use ${value} as ${name} of a pool: it must be a whole number, ${min} or more`);
}

function ignore(): void {}
