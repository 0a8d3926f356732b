import { concat, toBytes } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { ClosedError, messageOf, ResetError, TimeoutError } from "../base/errors.ts";
import { missedDeadline, timeoutError } from "./connection_deadlines.ts";
import type { ConnectionInit } from "./connection_ends.ts";
import { ConnectionLifetime } from "./connection_lifetime.ts";
import type { CoarseClock, ConnectionLimits, HasDeadlines } from "./deadline_timer.ts";
import { formatEndpoint } from "./endpoint.ts";
import { Outbox } from "./outbox.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { toSocketError } from "./socket_error.ts";
import type { Transport } from "./transport.ts";
import { abortable, type WaitOptions } from "./wait.ts";

const STOPPED_CLOCK: CoarseClock = { nowMs: 0 };
const NOTHING = new Uint8Array(0);

/**
 * One stream of bytes to a peer, over any transport: the only way in which
 * Parley reads and writes a socket.
 *
 * Reading waits for the caller, so a peer is held back by not reading. There
 * are two ways to write:
 *
 * - {@linkcode write} waits until the kernel has every byte. It has no size
 *   limit, and a slow peer holds the caller back.
 * - {@linkcode send} queues and returns at once: what is queued in one turn
 *   leaves in one write. It returns `false`, and queues nothing, for what does
 *   not fit in the outbox. `true` means that the bytes leave unless the peer or
 *   the write deadline prevents it, or {@linkcode close} drops them.
 *
 * `await using` waits until what is queued has left, at most for the write
 * deadline.
 */
export class Connection extends ConnectionLifetime implements AsyncDisposable, HasDeadlines {
  /** Bytes that came. */
  bytesRead = 0;
  /** Messages that came, counted by the session that cuts them out of the stream. */
  messagesRead = 0;
  /** Messages that were queued or written, counted by the session. */
  messagesWritten = 0;
  /** What a service says of it to the operator, such as the program that it runs for it. */
  note: string | undefined;

  readonly #limits: ConnectionLimits;
  readonly #clock: CoarseClock;
  readonly #openedMs: number;
  #lastReadMs: number;
  #buffer = new ReadBuffer();
  #pendingRead: Promise<number | null> | undefined;
  #unread: Uint8Array<ArrayBuffer> | undefined;
  /** Made by the first write: most connections are idle. */
  #outbox: Outbox | undefined;
  /** The peer takes nothing more; what it sent before can still be read. */
  #writeError: ResetError | undefined;
  #closingWrite: Promise<void> | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Takes over the transport: from here on only the connection closes it. */
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

  /** Since anything came or went, by the clock of its deadline timer. */
  get idleMs(): number {
    return this.#clock.nowMs - this.#activeMs;
  }

  /** Bytes that the kernel took. */
  get bytesWritten(): number {
    return this.#outbox?.bytesWritten ?? 0;
  }

  /** Bytes that wait to be written, including those of the write under way. */
  get queuedBytes(): number {
    return this.#outbox?.queuedBytes ?? 0;
  }

  /** Maximum that {@linkcode queuedBytes} has reached. */
  get outboxHighWater(): number {
    return this.#outbox?.highWater ?? 0;
  }

  /** Bytes that {@linkcode unread} returned and that have not been read since. */
  get unreadBytes(): number {
    return this.#unread?.length ?? 0;
  }

  /** Whether anything can still be written: `false` once either side has ended this direction. */
  get isWritable(): boolean {
    return this.closeReason === undefined && this.#writeError === undefined && this.#closingWrite === undefined;
  }

  /** Whether {@linkcode send} would take so many more bytes: the connection is open, and its outbox has room. */
  fits(bytes: number): boolean {
    return this.isWritable && this.queuedBytes + bytes <= this.outboxBytes;
  }

  /** Maximum bytes that {@linkcode send} queues. */
  get outboxBytes(): number {
    return this.#limits.outboxBytes ?? DEFAULTS.outboxBytes;
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
      this.closeReason === undefined
    ) {
      return this.transport.read(this.#buffer.space).then(this.#onRead, this.#onReadFailed);
    }
    return this.#readWithin(options);
  }

  /** What is received, for code that takes Web streams; it costs more than {@linkcode read}. */
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

  /** Writes, for code that takes Web streams. Closing it ends our side, aborting it closes the connection. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream({
      write: (bytes) => this.write(bytes),
      close: () => this.closeWrite(),
      abort: () => this.close("aborted"),
    });
  }

  /**
   * Watches a connection that is not being read: `onEvent` is called once, when
   * bytes arrive or the peer ends. The next read returns what arrived.
   */
  watch(onEvent: () => void): void {
    if (this.closeReason !== undefined || this.#unread !== undefined) return onEvent();
    this.#pendingRead ??= this.transport.read(this.#buffer.space);
    this.#pendingRead.then(onEvent, onEvent);
  }

  /**
   * Gives back bytes of the last read that were too many: the next read
   * returns them first. For a protocol that takes over in the middle of a stream.
   */
  unread(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#unread = this.#unread === undefined ? bytes : concat([bytes, this.#unread]);
  }

  /**
   * Writes all bytes, or a text in UTF-8, after those already queued, and waits
   * until the kernel has them. The bytes must not change until then. There is no size limit.
   *
   * @throws {ResetError} The peer has closed the connection.
   * @throws {ClosedError} This side has closed the connection, or its side of it.
   * @throws {TimeoutError} The peer did not take them within the write deadline.
   */
  write(data: Uint8Array | string): Promise<void> {
    if (!this.isWritable) return Promise.reject(this.closedError());
    return (this.#outbox ?? this.#makeOutbox()).write(toBytes(data));
  }

  /**
   * Queues the bytes; they must not change any more. What is queued in one
   * turn leaves in one write. `false`, and nothing is queued, when the
   * connection is closed or the outbox has no room: {@linkcode flush} waits for
   * room, {@linkcode write} needs none.
   */
  send(bytes: Uint8Array): boolean {
    if (!this.fits(bytes.length)) return false;
    (this.#outbox ?? this.#makeOutbox()).send(bytes);
    return true;
  }

  /**
   * As {@linkcode send}, for bytes that are known to be the last of this turn:
   * where nothing waits before them they leave at once, without a queue.
   */
  sendLast(bytes: Uint8Array): boolean {
    if (!this.fits(bytes.length)) return false;
    (this.#outbox ?? this.#makeOutbox()).sendNow(bytes);
    return true;
  }

  /** As {@linkcode send}, for bytes whose room a session has checked before it encoded them: the limit does not count. */
  sendChecked(bytes: Uint8Array): boolean {
    if (!this.isWritable) return false;
    (this.#outbox ?? this.#makeOutbox()).send(bytes);
    return true;
  }

  /** Waits until everything queued has left. It throws as {@linkcode write} does. */
  flush(): Promise<void> {
    if (this.closeReason !== undefined || this.#writeError !== undefined) return Promise.reject(this.closedError());
    return this.#outbox?.flush() ?? Promise.resolve();
  }

  /**
   * Sends what is queued, then ends our side; the peer may go on sending.
   * Nothing more can be written from the moment of the call.
   *
   * @throws {ResetError} The peer has closed the connection, and what was sent is lost.
   */
  closeWrite(): Promise<void> {
    if (this.closeReason !== undefined) return Promise.resolve();
    return this.#closingWrite ??= this.#closeWrite();
  }

  async #closeWrite(): Promise<void> {
    await this.flush();
    try {
      // A peer that has ended may have closed: an empty write fails if it has refused late data.
      if (this.isReadEnded) await this.transport.write(NOTHING);
      await this.transport.closeWrite();
    } catch (error) {
      // Closed already: the next read reports it.
      if (!(error instanceof Deno.errors.NotConnected)) throw this.#fail(error, "end the stream to");
    }
  }

  /**
   * Sends what is queued, at most for the write deadline, and closes. It does
   * not throw: bytes that could not be sent are logged. Await
   * {@linkcode flush} before to learn of them.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { queuedBytes } = this;
    if (queuedBytes > 0 && this.closeReason === undefined) {
      const timeoutMs = this.#limits.writeMs ?? DEFAULTS.writeTimeoutMs;
      try {
        await abortable(this.flush(), { timeoutMs }, () => timeoutError("write", timeoutMs, this));
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

  /** Closes the connection if one of its deadlines has passed. */
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

  /** Closes the connection after a handshake has failed; the result is the error to throw. */
  protected override onHandshakeFailed(cause: unknown): Error {
    if (this.closeReason !== undefined) return this.closedError();
    const error = toSocketError(cause, "complete the handshake with", formatEndpoint(this.remote));
    this.close(error instanceof TimeoutError ? "handshake timeout" : "handshake failed", error);
    return error;
  }

  protected override onClosed(): void {
    this.deadlineTimer?.delete(this);
    this.#outbox?.abort();
  }

  protected override closedError(): Error {
    if (this.closeError !== undefined) return this.closeError;
    if (this.#writeError !== undefined) return this.#writeError;
    const endpoint = formatEndpoint(this.remote);
    const what = this.closeReason === undefined ? "ended its side of the stream" : "closed the connection";
    return new ClosedError(`Cannot write to ${endpoint}: this side has ${what}`, { endpoint });
  }

  /**
   * A peer that has closed may have sent the reason first: what the kernel still
   * holds can be read, and the end that is certain to follow closes the connection.
   */
  #onWriteFailed(cause: unknown): Error {
    if (this.closeReason !== undefined) return this.closedError();
    const error = toSocketError(cause, "write to", formatEndpoint(this.remote));
    if (!(error instanceof ResetError) || this.isReadEnded) return this.#fail(error, "write to");
    this.#writeError = error;
    this.#outbox?.abort();
    return error;
  }

  /** When something last came or went. */
  get #activeMs(): number {
    return Math.max(this.#lastReadMs, this.#outbox?.lastWrittenMs ?? 0);
  }

  #makeOutbox(): Outbox {
    return this.#outbox = new Outbox(this.transport, this.#clock, {
      onWriteFailed: (cause) => this.#onWriteFailed(cause),
      closedError: () => this.closedError(),
    });
  }

  readonly #onRead = (count: number | null): Uint8Array<ArrayBuffer> | null => {
    if (this.closeReason !== undefined) return this.#readAfterClose();
    if (count === null) {
      this.onReadEnded();
      if (this.#writeError !== undefined) this.close("reset", this.#writeError);
      return null;
    }
    this.bytesRead += count;
    this.#lastReadMs = this.#clock.nowMs;
    return this.#buffer.take(count);
  };

  readonly #onReadFailed = (error: unknown): null => {
    if (this.closeReason !== undefined) return this.#readAfterClose();
    throw this.#fail(error, "read from");
  };

  async #readWithin(options: WaitOptions | undefined): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.closeReason !== undefined) return this.#readAfterClose();
    if (this.#unread !== undefined) {
      const bytes = this.#unread;
      this.#unread = undefined;
      return bytes;
    }
    const pending = this.#pendingRead ?? this.transport.read(this.#buffer.space);
    if (options !== undefined) {
      this.#pendingRead = pending;
      // Only the caller's own deadline or signal can throw here: the connection stays as it was.
      await abortable(
        pending.then(() => {}, () => {}),
        options,
        () => timeoutError("reply", options.timeoutMs ?? 0, this),
      );
    }
    this.#pendingRead = undefined;
    return await pending.then(this.#onRead, this.#onReadFailed);
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
