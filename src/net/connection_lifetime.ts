import type { CloseReason } from "./close_reason.ts";
import { ConnectionEnds, type ConnectionInit } from "./connection_ends.ts";
import type { DeadlineTimer } from "./deadline_timer.ts";
import type { Transport } from "./transport.ts";

/** How a connection is closed, who learns of it, and whether it keeps the process alive. */
export abstract class ConnectionLifetime extends ConnectionEnds {
  /** The peer has ended its side: nothing more will be read. */
  isReadEnded = false;
  /** Checks the deadlines; without it there are none. */
  protected readonly deadlineTimer: DeadlineTimer | undefined;
  readonly #socket: Transport;
  readonly #resetsOnClose: boolean;
  /** A deadline is certain to end the connection, read or not. */
  readonly #hasDeadline: boolean;
  readonly #awaitsFirstByte: boolean;
  #closeReason: CloseReason | undefined;
  #closeError: Error | undefined;
  #closed: PromiseWithResolvers<CloseReason> | undefined;
  #signal: AbortSignal | undefined;
  #isUnref = false;
  #holdsTimer = false;

  /** Takes ownership of the transport. */
  constructor(transport: Transport, init: ConnectionInit) {
    super(transport, init);
    this.#socket = transport;
    this.#resetsOnClose = init.resetsOnClose ?? false;
    this.#hasDeadline = init.limits?.idleMs !== undefined || init.limits?.totalMs !== undefined;
    this.#awaitsFirstByte = init.limits?.firstByteMs !== undefined;
    this.deadlineTimer = init.deadlineTimer;
  }

  /** Why nothing more can be read or written. */
  protected abstract closedError(): Error;

  /** The peer has ended its side: of the deadlines, the first byte's has nothing left to wait for. */
  protected onReadEnded(): void {
    this.isReadEnded = true;
    if (!this.#hasDeadline) this.#releaseTimer();
  }

  /** Called once, when the transport has been closed. */
  protected abstract onClosed(): void;

  /** Why it ended, or `undefined` while it is open. */
  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  /** The error that ended it, if one did. */
  get closeError(): Error | undefined {
    return this.#closeError;
  }

  /**
   * Settles when the connection has ended, with the reason; it never rejects.
   * It keeps the process alive only while a deadline is certain to
   * settle it: the peer's end does not, unless it is read.
   */
  get closed(): Promise<CloseReason> {
    if (this.#closeReason !== undefined) return Promise.resolve(this.#closeReason);
    this.#closed ??= Promise.withResolvers();
    this.#holdTimer();
    return this.#closed.promise;
  }

  /** Aborts when the connection has ended, with its error or a `ClosedError`; for work on behalf of the peer. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const ending = new AbortController();
      this.#signal = ending.signal;
      void this.closed.then(() => ending.abort(this.closedError()));
    }
    return this.#signal;
  }

  /** Makes a read that is under way, and a deadline that is awaited, keep the process alive, as they do by default. */
  ref(): void {
    this.#isUnref = false;
    this.#socket.ref?.();
    if (this.#closed !== undefined) this.#holdTimer();
  }

  /**
   * Lets the process end while the connection is open, for one that only waits
   * for what the peer may send.
   *
   * @example A connection that does not keep the program alive
   * ```ts
   * import { connect, listen } from "@parley/parley";
   *
   * using listener = await listen("tcp://127.0.0.1:0");
   * await using news = await connect(listener.endpoint);
   * news.unref();
   * void news.read().then((bytes) => console.log(bytes));
   * ```
   */
  unref(): void {
    this.#isUnref = true;
    this.#socket.unref?.();
    this.#releaseTimer();
  }

  /**
   * Closes the socket immediately and drops the queue; a second call
   * does nothing. With an `error`, reads and writes under way reject with it;
   * without one, reads see the end.
   */
  close(reason: CloseReason = "done", error?: Error): void {
    this.#close(reason, error, this.#resetsOnClose);
  }

  /**
   * Closes at once with a reset (RFC 9293, section 3.5.2): what is queued is
   * dropped, and the peer's reads and writes fail. `false` if the transport
   * cannot do that, and the connection is closed as by {@linkcode close}: it
   * must have been opened with the option `canReset`.
   */
  reset(reason: CloseReason = "reset"): boolean {
    return this.#close(reason, undefined, true);
  }

  #close(reason: CloseReason, error: Error | undefined, resets: boolean): boolean {
    if (this.#closeReason !== undefined) return false;
    let isReset = false;
    this.#closeReason = reason;
    this.#closeError = error;
    try {
      if (resets && this.transport.reset !== undefined) isReset = this.transport.reset();
      else this.transport.close();
    } catch (cause) {
      // BadResource: the runtime has closed it already.
      if (!(cause instanceof Deno.errors.BadResource)) this.log.debug("closing failed", { error: String(cause) });
    }
    this.onClosed();
    this.#closed?.resolve(reason);
    this.#releaseTimer();
    return isReset;
  }

  #holdTimer(): void {
    const isEndCertain = this.#hasDeadline || this.#awaitsFirstByte && !this.isReadEnded;
    if (!isEndCertain || this.#holdsTimer || this.#isUnref || this.#closeReason !== undefined) return;
    this.#holdsTimer = true;
    this.deadlineTimer?.hold();
  }

  #releaseTimer(): void {
    if (!this.#holdsTimer) return;
    this.#holdsTimer = false;
    this.deadlineTimer?.release();
  }
}
