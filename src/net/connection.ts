import { concat } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { LimitError, ResetError, TimeoutError } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import type { CloseReason } from "./close_reason.ts";
import type { CoarseClock, DeadlineTimer, HasDeadlines } from "./deadline_timer.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { toSocketError } from "./socket_error.ts";
import type { TlsFacts } from "./tls_facts.ts";
import { traced } from "./trace.ts";
import type { Transport } from "./transport.ts";
import { abortable, type WaitOptions } from "./wait.ts";

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
  /** Most bytes that {@linkcode Connection.send} queues. */
  readonly outboxBytes?: number | undefined;
}

/** What the opener of a connection knows about it. */
export interface ConnectionInit {
  /** A number for log lines, unique among the connections of its listener. */
  id: number;
  /** Our side. */
  local: Endpoint;
  /** The peer's side. */
  remote: Endpoint;
  /** Carries the context. */
  log: Logger;
  /** Deadlines and the outbox limit. */
  limits?: ConnectionLimits;
  /** Who checks the deadlines; without it there are none. */
  deadlineTimer?: DeadlineTimer | undefined;
}

const STOPPED_CLOCK: CoarseClock = { nowMs: 0 };
const NOTHING = new Uint8Array(0);
// Shared by all that have none, and never added to: most connections are idle.
const NO_CHUNKS: Uint8Array[] = [];
const NO_WAITERS: PromiseWithResolvers<void>[] = [];

/**
 * One stream of bytes to a peer, over any transport: the only way in which
 * Parley reads and writes a socket.
 *
 * Reading waits for the caller, so a peer is held back by not reading. Writing
 * is either {@linkcode write}, which waits until the kernel has everything, or
 * {@linkcode send}, which queues: what is queued in one turn leaves in one
 * write, and a peer that does not read is closed once the outbox is full.
 */
export class Connection implements AsyncDisposable, HasDeadlines {
  /** A number for log lines, unique among the connections of its listener. */
  readonly id: number;
  /** Our side. */
  readonly local: Endpoint;
  /** The peer's side. */
  readonly remote: Endpoint;
  /** Bytes that came. */
  bytesRead = 0;
  /** Bytes that the kernel took. */
  bytesWritten = 0;
  /** Messages that came, counted by the session that cuts them out of the stream. */
  messagesRead = 0;
  /** Messages that were queued or written, counted by the session. */
  messagesWritten = 0;
  /** Most bytes that were ever waiting in the outbox. */
  outboxHighWater = 0;
  /** The peer has ended its side: nothing more will be read. */
  isReadEnded = false;

  readonly #transport: Transport;
  readonly #baseLog: Logger;
  readonly #limits: ConnectionLimits;
  readonly #deadlineTimer: DeadlineTimer | undefined;
  readonly #clock: CoarseClock;
  readonly #openedMs: number;
  #log: Logger | undefined;
  #lastActiveMs: number;
  #writingSinceMs = 0;
  #buffer = new ReadBuffer();
  #pendingRead: Promise<number | null> | undefined;
  #unread: Uint8Array<ArrayBuffer> | undefined;
  #outbox = NO_CHUNKS;
  #queuedBytes = 0;
  #isWriting = false;
  #writing: Uint8Array = NOTHING;
  #isPumpDue = false;
  // Made by the first write that needs them: an idle connection has none.
  #onSent: ((count: number) => void) | undefined;
  #onSendFailed: ((error: unknown) => void) | undefined;
  #flushWaiters = NO_WAITERS;
  #closeReason: CloseReason | undefined;
  #closeError: Error | undefined;
  /** The peer takes nothing more; what it sent before can still be read. */
  #writeError: ResetError | undefined;
  #closed: PromiseWithResolvers<CloseReason> | undefined;
  #isWriteClosed = false;

  /** Takes over the transport: from here on only the connection closes it. */
  constructor(transport: Transport, init: ConnectionInit) {
    this.#transport = init.log.isEnabled("trace") ? traced(transport, () => this.log) : transport;
    this.id = init.id;
    this.local = init.local;
    this.remote = init.remote;
    this.#baseLog = init.log;
    this.#limits = init.limits ?? {};
    this.#deadlineTimer = init.deadlineTimer;
    this.#clock = init.deadlineTimer ?? STOPPED_CLOCK;
    init.deadlineTimer?.add(this);
    this.#openedMs = this.#lastActiveMs = this.#clock.nowMs;
  }

  /** Every line of it names the connection and the peer. */
  get log(): Logger {
    return this.#log ??= this.#baseLog.with({ connection: this.id, peer: formatEndpoint(this.remote) });
  }

  /** Why it ended, or `undefined` while it is open. */
  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  /** The error that ended it, if one did. */
  get closeError(): Error | undefined {
    return this.#closeError;
  }

  /** What the TLS handshake agreed on; `undefined` before it is done, and without TLS. */
  get tls(): TlsFacts | undefined {
    return this.#transport.tls;
  }

  /**
   * Completes the TLS handshake, at once where there is none. `connect()` has
   * done so; for an accepted connection it is to be called before the next
   * thing, or the first read or write does it.
   *
   * @throws {TlsError} Its reason says why.
   * @throws {TimeoutError} The peer did not complete it in time.
   */
  async handshake(): Promise<void> {
    if (this.#transport.handshake === undefined) return;
    if (this.#baseLog.isEnabled("trace")) this.log.trace("TLS handshake", { step: "handshake" });
    try {
      await this.#transport.handshake();
    } catch (cause) {
      if (this.#closeReason !== undefined) throw this.#closedError();
      const error = toSocketError(cause, "complete the TLS handshake with", formatEndpoint(this.remote));
      this.close(error instanceof TimeoutError ? "handshake timeout" : "handshake failed", error);
      throw error;
    }
  }

  /** How long it has been open, by the clock of its deadline timer. */
  get ageMs(): number {
    return this.#clock.nowMs - this.#openedMs;
  }

  /** Since anything came or went, by the clock of its deadline timer. */
  get idleMs(): number {
    return this.#clock.nowMs - this.#lastActiveMs;
  }

  /** Settles when the connection has ended, with the reason; it never rejects. */
  get closed(): Promise<CloseReason> {
    if (this.#closeReason !== undefined) return Promise.resolve(this.#closeReason);
    return (this.#closed ??= Promise.withResolvers()).promise;
  }

  /** Bytes that wait to be written, those in the write under way among them. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * The next bytes of the peer: 1 to 262,144 of them, in a view that the next
   * read overwrites. `null` at the peer's end, and when this side has closed
   * the connection without an error.
   *
   * A wait that `options` end loses nothing: the bytes come with a later read.
   *
   * @throws {ResetError} The peer reset the connection.
   * @throws {TimeoutError} A deadline of the connection or of `options` passed.
   */
  read(options?: WaitOptions): Promise<Uint8Array<ArrayBuffer> | null> {
    // One promise for each read: an async function here costs an echo a tenth of its speed.
    if (
      options === undefined && this.#pendingRead === undefined && this.#unread === undefined &&
      this.#closeReason === undefined
    ) {
      return this.#transport.read(this.#buffer.space).then(this.#onRead, this.#onReadFailed);
    }
    return this.#readWithin(options);
  }

  /**
   * Gives back bytes of the last read that were too many: the next read
   * returns them first. For whoever takes over in the middle of a stream.
   */
  unread(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#unread = this.#unread === undefined ? bytes : concat([bytes, this.#unread]);
  }

  /**
   * Writes all bytes, after those already queued, and waits until the kernel
   * has them. The bytes must not change until then.
   *
   * @throws {ResetError} The peer is gone.
   * @throws {TimeoutError} The peer did not take them within the write deadline.
   */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#closeReason !== undefined || this.#writeError !== undefined) return Promise.reject(this.#closedError());
    this.#count(bytes.length);
    if (!this.#isWriting && this.#outbox.length === 0) return this.#writeNow(bytes);
    this.#queue(bytes);
    this.#schedule();
    return this.flush();
  }

  /**
   * Queues the bytes; they must not change any more. What is queued in one
   * turn leaves in one write. `false` when the connection is closed, or is
   * closed by this: its outbox was full.
   */
  send(bytes: Uint8Array): boolean {
    if (!this.#admit(bytes)) return false;
    this.#queue(bytes);
    this.#schedule();
    return true;
  }

  /**
   * As {@linkcode send}, for bytes that are known to be the last of this turn:
   * where nothing waits before them they leave at once, without a queue.
   */
  sendLast(bytes: Uint8Array): boolean {
    if (this.#isWriting || this.#outbox.length > 0) return this.send(bytes);
    if (!this.#admit(bytes)) return false;
    this.#writeOut(bytes);
    return true;
  }

  /** Waits until everything queued has left. It throws as {@linkcode write} does. */
  flush(): Promise<void> {
    if (this.#closeReason !== undefined || this.#writeError !== undefined) return Promise.reject(this.#closedError());
    if (this.#queuedBytes === 0) return Promise.resolve();
    const waiter = Promise.withResolvers<void>();
    if (this.#flushWaiters === NO_WAITERS) this.#flushWaiters = [];
    this.#flushWaiters.push(waiter);
    return waiter.promise;
  }

  /**
   * Sends what is queued, then ends our side; the peer may go on sending.
   *
   * @throws {ResetError} The peer is gone, and what was sent with it.
   */
  async closeWrite(): Promise<void> {
    if (this.#isWriteClosed || this.#closeReason !== undefined) return;
    await this.flush();
    this.#isWriteClosed = true;
    try {
      // A peer that has ended may have been gone by then: a write of nothing fails where it has refused what came late.
      if (this.isReadEnded) await this.#transport.write(NOTHING);
      await this.#transport.closeWrite();
    } catch (error) {
      // Gone already: whoever reads next is told by the read.
      if (!(error instanceof Deno.errors.NotConnected)) throw this.#fail(error, "end the stream to");
    }
  }

  /**
   * Gives the socket back; a second call does nothing. With an `error`, reads
   * and writes under way reject with it; without one, reads see the end.
   */
  close(reason: CloseReason = "done", error?: Error): void {
    if (this.#closeReason !== undefined) return;
    this.#closeReason = reason;
    this.#closeError = error;
    this.#deadlineTimer?.delete(this);
    try {
      this.#transport.close();
    } catch (cause) {
      // BadResource: the runtime closed it before us, which is what was wanted.
      if (!(cause instanceof Deno.errors.BadResource)) this.log.debug("closing failed", { error: String(cause) });
    }
    this.#rejectWaiters();
    this.#closed?.resolve(reason);
  }

  /** Closes it, if that has not happened: "done". */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Closes the connection if one of its deadlines has passed. */
  checkDeadlines(nowMs: number): void {
    const { firstByteMs, idleMs, totalMs, writeMs } = this.#limits;
    // A stamp may be one interval too old, so each limit gets that much more.
    const late = nowMs - (this.#deadlineTimer?.intervalMs ?? 0);
    const writeLimitMs = writeMs ?? DEFAULTS.writeTimeoutMs;
    if (this.#isWriting && late - this.#writingSinceMs > writeLimitMs) this.#expire("write", "write timeout");
    else if (firstByteMs !== undefined && this.bytesRead === 0 && late - this.#openedMs > firstByteMs) {
      this.#expire("first byte", "first byte timeout");
    } else if (totalMs !== undefined && late - this.#openedMs > totalMs) this.#expire("total", "lifetime");
    else if (idleMs !== undefined && late - this.#lastActiveMs > idleMs) this.#expire("idle", "idle timeout");
  }

  #expire(phase: TimeoutError["phase"], reason: CloseReason): void {
    const endpoint = formatEndpoint(this.remote);
    this.close(reason, new TimeoutError(phase, `${endpoint} was too slow: ${reason}`, { endpoint }));
  }

  /** Whether there is a peer, and room in the outbox, for bytes that nobody waits for. */
  #admit(bytes: Uint8Array): boolean {
    if (this.#closeReason !== undefined || this.#writeError !== undefined || this.#isWriteClosed) return false;
    this.#count(bytes.length);
    const most = this.#limits.outboxBytes ?? DEFAULTS.outboxBytes;
    if (this.#queuedBytes <= most) return true;
    const endpoint = formatEndpoint(this.remote);
    this.close(
      "slow consumer",
      new LimitError(`${endpoint} reads too slowly: its outbox of ${most} bytes is full`, { endpoint }),
    );
    return false;
  }

  #count(bytes: number): void {
    this.#queuedBytes += bytes;
    if (this.#queuedBytes > this.outboxHighWater) this.outboxHighWater = this.#queuedBytes;
  }

  #queue(bytes: Uint8Array): void {
    if (this.#outbox === NO_CHUNKS) this.#outbox = [];
    this.#outbox.push(bytes);
  }

  #schedule(): void {
    if (this.#isWriting || this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpDue = false;
    if (this.#isWriting || this.#outbox.length === 0 || this.#closeReason !== undefined) return;
    const chunks = this.#outbox;
    this.#outbox = NO_CHUNKS;
    const only = chunks.length === 1 ? chunks[0] : undefined;
    this.#writeOut(only ?? concat(chunks));
  }

  #writeNow(bytes: Uint8Array): Promise<void> {
    return this.#startWrite(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  readonly #onWritten = (count: number): void | Promise<void> => {
    if (this.#closeReason !== undefined) throw this.#closedError();
    const rest = this.#afterWrite(count);
    if (rest !== undefined) return this.#writeNow(rest);
  };

  readonly #onWriteFailed = (error: unknown): never => {
    throw this.#afterFailedWrite(error);
  };

  /** Writes what nobody waits for: one promise less than {@linkcode #writeNow}, which tells in a fan-out. */
  #writeOut(bytes: Uint8Array): void {
    this.#onSent ??= (count) => {
      const rest = this.#closeReason === undefined ? this.#afterWrite(count) : undefined;
      if (rest !== undefined) this.#writeOut(rest);
    };
    // A failure closes the connection and rejects every waiter.
    this.#onSendFailed ??= (error) => void this.#afterFailedWrite(error);
    void this.#startWrite(bytes).then(this.#onSent, this.#onSendFailed);
  }

  #startWrite(bytes: Uint8Array): Promise<number> {
    this.#isWriting = true;
    this.#writing = bytes;
    this.#writingSinceMs = this.#clock.nowMs;
    return this.#transport.write(bytes);
  }

  /** What the kernel did not take, if anything. */
  #afterWrite(count: number): Uint8Array | undefined {
    this.bytesWritten += count;
    this.#queuedBytes -= count;
    this.#lastActiveMs = this.#clock.nowMs;
    if (count < this.#writing.length) return this.#writing.subarray(count);
    this.#writing = NOTHING;
    this.#isWriting = false;
    if (this.#outbox.length > 0) this.#schedule();
    else if (this.#flushWaiters.length > 0) this.#settleFlush();
    return undefined;
  }

  #afterFailedWrite(error: unknown): Error {
    this.#writing = NOTHING;
    this.#isWriting = false;
    return this.#closeReason === undefined ? this.#failWrite(error) : this.#closedError();
  }

  readonly #onRead = (count: number | null): Uint8Array<ArrayBuffer> | null => {
    if (this.#closeReason !== undefined) return this.#readAfterClose();
    if (count === null) {
      this.isReadEnded = true;
      if (this.#writeError !== undefined) this.close("reset", this.#writeError);
      return null;
    }
    this.bytesRead += count;
    this.#lastActiveMs = this.#clock.nowMs;
    return this.#buffer.take(count);
  };

  readonly #onReadFailed = (error: unknown): null => {
    if (this.#closeReason !== undefined) return this.#readAfterClose();
    throw this.#fail(error, "read from");
  };

  async #readWithin(options: WaitOptions | undefined): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#closeReason !== undefined) return this.#readAfterClose();
    if (this.#unread !== undefined) return this.#takeUnread(this.#unread);
    const pending = this.#pendingRead ?? this.#transport.read(this.#buffer.space);
    if (options !== undefined) {
      this.#pendingRead = pending;
      // Only the caller's own deadline or signal can throw here: the connection stays as it was.
      await abortable(pending.then(ignore, ignore), options, () => this.#replyTimeout());
    }
    this.#pendingRead = undefined;
    return await pending.then(this.#onRead, this.#onReadFailed);
  }

  #settleFlush(): void {
    const waiters = this.#flushWaiters;
    this.#flushWaiters = NO_WAITERS;
    for (const waiter of waiters) waiter.resolve();
  }

  #replyTimeout(): Error {
    const endpoint = formatEndpoint(this.remote);
    return new TimeoutError("reply", `No answer from ${endpoint} in time`, { endpoint });
  }

  /**
   * A peer that is gone may have said why before: what the kernel still holds
   * can be read, and the end of it, which is certain to come, closes the connection.
   */
  #failWrite(cause: unknown): Error {
    const error = toSocketError(cause, "write to", formatEndpoint(this.remote));
    if (!(error instanceof ResetError) || this.isReadEnded) return this.#fail(error, "write to");
    this.#writeError = error;
    this.#rejectWaiters();
    return error;
  }

  #rejectWaiters(): void {
    this.#outbox = NO_CHUNKS;
    this.#queuedBytes = 0;
    const waiters = this.#flushWaiters;
    this.#flushWaiters = NO_WAITERS;
    for (const waiter of waiters) waiter.reject(this.#closedError());
  }

  #fail(cause: unknown, doing: string): Error {
    const error = toSocketError(cause, doing, formatEndpoint(this.remote));
    this.close(error instanceof ResetError ? "reset" : "error", error);
    return error;
  }

  #takeUnread(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#unread = undefined;
    return bytes;
  }

  #readAfterClose(): null {
    if (this.#closeError !== undefined) throw this.#closeError;
    return null;
  }

  #closedError(): Error {
    return this.#closeError ?? this.#writeError ??
      new ResetError(`The connection to ${formatEndpoint(this.remote)} is closed`, {
        endpoint: formatEndpoint(this.remote),
      });
  }
}

function ignore(): void {}
