import { concat, NO_BYTES, toBytes } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { ClosedError, messageOf, ResetError, TimeoutError } from "../base/errors.ts";
import { missedDeadline, timeoutError } from "./connection_deadlines.ts";
import { parseDuration } from "../base/units.ts";
import type { ConnectionInit } from "./connection_ends.ts";
import { ConnectionLifetime } from "./connection_lifetime.ts";
import type { CoarseClock, ConnectionLimits, HasDeadlines } from "./deadline_timer.ts";
import { formatEndpoint } from "./endpoint.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { toSocketError } from "./socket_error.ts";
import type { Transport } from "./transport.ts";
import { abortable, type WaitOptions } from "./wait.ts";

const STOPPED_CLOCK: CoarseClock = { nowMs: 0 };

/**
 * A stream of bytes to a peer, over any transport. All reads and writes of stream sockets go through it.
 *
 * Nothing is read ahead, so a caller that does not read exerts backpressure. There are two ways to write:
 *
 * - {@linkcode write} waits until the kernel has taken every byte. It has no size limit, and a slow peer slows down the
 *   caller.
 * - {@linkcode send} queues and returns immediately; everything queued in one turn of the event loop is sent in one
 *   write. It returns `false` and queues nothing if the outbox has no room. `true` means that the bytes will be sent
 *   unless the connection fails, the write deadline passes or {@linkcode close} drops them.
 *
 * `await using` waits until the queue has been sent, at most for the write deadline.
 */
export class Connection extends ConnectionLifetime implements AsyncDisposable, HasDeadlines {
  /** Bytes received. */
  bytesRead = 0;
  /** Messages received, counted by the session that decodes the stream. */
  messagesRead = 0;
  /** Messages sent or queued, counted by the session. */
  messagesWritten = 0;
  /** A service's note for the operator, such as the program that it runs for this connection. */
  note: string | undefined;

  readonly #limits: ConnectionLimits;
  readonly #clock: CoarseClock;
  readonly #openedMs: number;
  #lastReadMs: number;
  #buffer = new ReadBuffer();
  #pendingRead: Promise<number | null> | undefined;
  /** Set while a {@linkcode readThen} is under way. */
  #consume: ((bytes: Uint8Array<ArrayBuffer> | null) => unknown) | undefined;
  #unread: Uint8Array<ArrayBuffer> | undefined;
  /** Created by the first write, because most connections are idle. */
  #outbox: Outbox | undefined;
  /** Writes have failed; data that the peer sent earlier can still be read. */
  #writeError: ResetError | undefined;
  #closingWrite: Promise<void> | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Takes ownership of the transport. */
  constructor(transport: Transport, init: ConnectionInit) {
    super(transport, init);
    this.#limits = init.limits ?? {};
    this.#clock = init.deadlineTimer ?? STOPPED_CLOCK;
    init.deadlineTimer?.add(this);
    this.#openedMs = this.#lastReadMs = this.#clock.nowMs;
  }

  /** How long it has been open, by the clock of its deadline timer. */
  get ageMs(): number {
    return this.#clock.nowMs - this.#openedMs;
  }

  /** Time since the last byte in either direction, by the clock of its deadline timer. */
  get idleMs(): number {
    return this.#clock.nowMs - this.#activeMs;
  }

  /** Bytes that the kernel has taken. */
  get bytesWritten(): number {
    return this.#outbox?.bytesWritten ?? 0;
  }

  /** Bytes queued, including those of the pending write. */
  get queuedBytes(): number {
    return this.#outbox?.queuedBytes ?? 0;
  }

  /** Maximum that {@linkcode queuedBytes} has reached. */
  get outboxHighWater(): number {
    return this.#outbox?.highWater ?? 0;
  }

  /** Bytes passed to {@linkcode unread} that have not been read again. */
  get unreadBytes(): number {
    return this.#unread?.length ?? 0;
  }

  /** Whether anything can still be written: `false` once either side has ended this direction. */
  get isWritable(): boolean {
    return this.closeReason === undefined && this.#writeError === undefined && this.#closingWrite === undefined;
  }

  /** Whether {@linkcode send} would accept this many bytes. */
  fits(bytes: number): boolean {
    return this.isWritable && this.queuedBytes + bytes <= this.outboxBytes;
  }

  /** Maximum bytes that {@linkcode send} queues. */
  get outboxBytes(): number {
    return this.#limits.outboxBytes ?? DEFAULTS.outboxBytes;
  }

  /**
   * Reads 1 to 262,144 bytes into a view that the next read overwrites. Returns `null` at the end of the stream, or if
   * this side has closed the connection without an error.
   *
   * If `options` end the wait, no data is lost: a later read returns it.
   *
   * @throws {ResetError} The peer reset the connection.
   * @throws {TimeoutError} A deadline of the connection or of `options` passed.
   */
  read(options?: WaitOptions): Promise<Uint8Array<ArrayBuffer> | null> {
    // Not an async function, because one promise per read is measurably faster.
    if (options !== undefined || !this.#readsDirectly) return this.#readWithin(options);
    return this.#readNext() as Promise<Uint8Array<ArrayBuffer> | null>;
  }

  /** `read().then(consume)` with one promise less. */
  readThen<T>(consume: (bytes: Uint8Array<ArrayBuffer> | null) => T | Promise<T>): Promise<T> {
    if (!this.#readsDirectly) return this.#readWithin(undefined).then(consume);
    this.#consume = consume;
    return this.#readNext() as Promise<T>;
  }

  /** Neither bytes nor a read of another caller come first. */
  get #readsDirectly(): boolean {
    return this.#pendingRead === undefined && this.#unread === undefined && this.closeReason === undefined;
  }

  /** The received data as a Web stream; slower than {@linkcode read}. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const bytes = await this.read();
        if (bytes === null) controller.close();
        else controller.enqueue(bytes.slice());
      },
      cancel: () => this.close("aborted"),
    }, { highWaterMark: 0 });
  }

  /** Writes as a Web stream. Closing it ends this side of the stream, aborting it closes the connection. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream({
      write: (bytes) => this.write(bytes),
      close: () => this.closeWrite(),
      abort: () => this.close("aborted"),
    });
  }

  /** Calls `onEvent` once bytes arrive or the peer ends; nothing else may read meanwhile. The next read returns the bytes. */
  watch(onEvent: () => void): void {
    if (this.closeReason !== undefined || this.#unread !== undefined) return onEvent();
    this.#pendingRead ??= this.#buffer.fill(this.transport);
    this.#pendingRead.then(onEvent, onEvent);
  }

  /** Pushes back bytes of the last read, which the next read returns first: for a change of protocol in mid-stream. */
  unread(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#unread = this.#unread === undefined ? bytes : concat([bytes, this.#unread]);
  }

  /**
   * Writes all bytes, or a text in UTF-8, after those already queued, and waits until the kernel has taken them. The
   * bytes must not change until then. There is no size limit.
   *
   * @throws {ResetError} The peer has closed the connection.
   * @throws {ClosedError} This side has closed the connection, or its side of it.
   * @throws {TimeoutError} The peer did not accept the data within the write deadline.
   */
  write(data: Uint8Array | string): Promise<void> {
    if (!this.isWritable) return Promise.reject(this.closedError());
    return (this.#outbox ?? this.#makeOutbox()).write(toBytes(data));
  }

  /**
   * Queues the bytes, which must not change afterwards. Everything queued in one turn of the event loop is sent in one
   * write. Returns `false` and queues nothing if the connection is closed or the outbox has no room: {@linkcode flush}
   * waits for room, {@linkcode write} needs none.
   */
  send(bytes: Uint8Array): boolean {
    if (!this.fits(bytes.length)) return false;
    (this.#outbox ?? this.#makeOutbox()).send(bytes);
    return true;
  }

  /** Like {@linkcode send}, for the last bytes of a turn: written immediately if nothing is queued. */
  sendLast(bytes: Uint8Array): boolean {
    if (!this.fits(bytes.length)) return false;
    (this.#outbox ?? this.#makeOutbox()).sendNow(bytes);
    return true;
  }

  /** Like {@linkcode send} without the limit, for a session that has checked it before it encoded the bytes. */
  sendChecked(bytes: Uint8Array): boolean {
    if (!this.isWritable) return false;
    (this.#outbox ?? this.#makeOutbox()).send(bytes);
    return true;
  }

  /** Waits until everything queued has been sent. Throws like {@linkcode write}. */
  flush(): Promise<void> {
    if (this.closeReason !== undefined || this.#writeError !== undefined) return Promise.reject(this.closedError());
    return this.#outbox?.flush() ?? Promise.resolve();
  }

  /**
   * Sends the queue, then ends this side of the stream (half-close); the peer may continue to send. Nothing more can be
   * written after the call.
   *
   * @throws {ResetError} The peer has closed the connection, and sent data is lost.
   */
  closeWrite(): Promise<void> {
    if (this.closeReason !== undefined) return Promise.resolve();
    return this.#closingWrite ??= this.#closeWrite();
  }

  async #closeWrite(): Promise<void> {
    await this.flush();
    try {
      // A peer that has ended its side may have closed the socket: an empty write then fails if data was rejected.
      if (this.isReadEnded) await this.transport.write(NO_BYTES);
      await this.transport.closeWrite(this.isReadEnded);
    } catch (error) {
      // Closed already: the next read reports it.
      if (!(error instanceof Deno.errors.NotConnected)) throw this.#fail(error, "end the stream to");
    }
  }

  /**
   * Sends the queue, at most for the write deadline, and closes. Does not throw: unsent bytes are logged. To detect
   * them, await {@linkcode flush} first.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { queuedBytes } = this;
    if (queuedBytes > 0 && this.closeReason === undefined) {
      const timeout = this.#limits.writeMs ?? DEFAULTS.writeTimeoutMs;
      try {
        await abortable(this.flush(), { timeout }, () => timeoutError("write", timeout, this));
      } catch (error) {
        this.log.warning("closed before everything was sent", { bytes: queuedBytes, error: messageOf(error) });
        if (error instanceof TimeoutError) this.close("write timeout", error);
      }
    }
    this.close();
  }

  /** Counts as activity what the peer has sent by another way. */
  touch(): void {
    this.#lastReadMs = this.#clock.nowMs;
  }

  /** Closes the connection if a deadline has passed. */
  checkDeadlines(nowMs: number): void {
    const missed = missedDeadline(nowMs, this.#limits, {
      intervalMs: this.deadlineTimer?.intervalMs ?? 0,
      openedMs: this.#openedMs,
      activeMs: this.#activeMs,
      stalledSinceMs: this.#outbox?.stalledSinceMs,
      hasRead: this.bytesRead > 0,
    });
    if (missed !== undefined) this.close(missed.reason, timeoutError(missed.phase, missed.afterMs, this));
  }

  /** Closes the connection after a failed handshake and returns the error to throw. */
  protected override onHandshakeFailed(cause: unknown): Error {
    if (this.closeReason !== undefined) return this.closedError();
    const error = toSocketError(cause, "complete the handshake with", formatEndpoint(this.remote));
    this.close(error instanceof TimeoutError ? "handshake timeout" : "handshake failed", error);
    return error;
  }

  /** Ends the deadlines and drops what is queued. */
  protected override onClosed(): void {
    this.deadlineTimer?.delete(this);
    this.#outbox?.abort();
  }

  /** Why the connection can no longer be read or written. */
  protected override closedError(): Error {
    if (this.closeError !== undefined) return this.closeError;
    if (this.#writeError !== undefined) return this.#writeError;
    const endpoint = formatEndpoint(this.remote);
    const what = this.closeReason === undefined ? "ended its side of the stream" : "closed the connection";
    return new ClosedError(`Cannot write to ${endpoint}: this side has ${what}`, { endpoint });
  }

  /**
   * The peer may have sent the reason before it closed. Data in the kernel's buffer stays readable; the end of the
   * stream, which must follow, closes the connection.
   */
  #onWriteFailed(cause: unknown): Error {
    if (this.closeReason !== undefined) return this.closedError();
    const error = toSocketError(cause, "write to", formatEndpoint(this.remote));
    if (!(error instanceof ResetError) || this.isReadEnded) return this.#fail(error, "write to");
    this.#writeError = error;
    this.#outbox?.abort();
    return error;
  }

  /** Time of the last activity. */
  get #activeMs(): number {
    return Math.max(this.#lastReadMs, this.#outbox?.lastWrittenMs ?? 0);
  }

  #makeOutbox(): Outbox {
    return this.#outbox = new Outbox(this.transport, this.#clock, new Connection.#OutboxOwner(this));
  }

  /** An object for each connection where closures would be an object, two functions and their scope. */
  static readonly #OutboxOwner = class implements OutboxOwner {
    readonly #connection: Connection;

    constructor(connection: Connection) {
      this.#connection = connection;
    }

    onWriteFailed(cause: unknown): Error {
      return this.#connection.#onWriteFailed(cause);
    }

    closedError(): Error {
      return this.#connection.closedError();
    }
  };

  readonly #onRead = (count: number | null): unknown => this.#consumed(this.#received(count));

  readonly #onReadFailed = (error: unknown): unknown => {
    if (this.closeReason === undefined) throw this.#fail(error, "read from");
    return this.#consumed(this.#readAfterClose());
  };

  #consumed(bytes: Uint8Array<ArrayBuffer> | null): unknown {
    const consume = this.#consume;
    this.#consume = undefined;
    return consume === undefined ? bytes : consume(bytes);
  }

  #received(count: number | null): Uint8Array<ArrayBuffer> | null {
    if (this.closeReason !== undefined) return this.#readAfterClose();
    if (count === null) {
      this.onReadEnded();
      if (this.#writeError !== undefined) this.close("reset", this.#writeError);
      return null;
    }
    this.bytesRead += count;
    this.#lastReadMs = this.#clock.nowMs;
    return this.#buffer.take(count);
  }

  #readNext(): Promise<unknown> {
    return this.#buffer.fill(this.transport).then(this.#onRead, this.#onReadFailed);
  }

  async #readWithin(options: WaitOptions | undefined): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.closeReason !== undefined) return this.#readAfterClose();
    // Otherwise a peer that keeps sending would have no deadline: what has been received needs no wait.
    options?.signal?.throwIfAborted();
    if (options?.timeout !== undefined && parseDuration(options.timeout) <= 0) throw timeoutError("reply", 0, this);
    if (this.#unread !== undefined) {
      const bytes = this.#unread;
      this.#unread = undefined;
      return bytes;
    }
    const pending = this.#pendingRead ?? this.#buffer.fill(this.transport);
    if (options !== undefined) {
      this.#pendingRead = pending;
      // Only the caller's deadline or signal can throw here; the connection stays usable.
      const settled = pending.then(() => {}, () => {});
      await abortable(settled, options, () => timeoutError("reply", parseDuration(options.timeout ?? 0), this));
    }
    this.#pendingRead = undefined;
    return await pending.then(this.#onRead, this.#onReadFailed) as Uint8Array<ArrayBuffer> | null;
  }

  #fail(cause: unknown, doing: string): Error {
    const error = toSocketError(cause, doing, formatEndpoint(this.remote));
    this.close(error instanceof ResetError ? "reset" : "error", error);
    return error;
  }

  #readAfterClose(): null {
    if (this.closeError !== undefined) throw this.closeError;
    return null;
  }
}
