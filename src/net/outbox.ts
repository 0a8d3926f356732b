import { concat, NO_BYTES } from "../base/bytes.ts";
import type { CoarseClock } from "./deadline_timer.ts";
import type { Transport } from "./transport.ts";

/** The connection that owns an outbox. */
export interface OutboxOwner {
  /** Called when a write failed with `cause`; returns the error for the waiting callers. */
  onWriteFailed(cause: unknown): Error;
  /** The reason why nothing more can be written. */
  closedError(): Error;
}

// Shared by all empty outboxes and never modified, because most connections are idle.
const NO_CHUNKS: Uint8Array[] = [];
const NO_WAITERS: PromiseWithResolvers<void>[] = [];

/**
 * The write side of a connection: one write at a time, in order. Data queued during a write or in one turn of the event
 * loop is sent in one write.
 */
export class Outbox {
  /** Bytes queued, including those of the pending write. */
  queuedBytes = 0;
  /** Maximum that {@linkcode queuedBytes} has reached. */
  highWater = 0;
  /** Bytes that the kernel has taken. */
  bytesWritten = 0;
  /** When the kernel last took data, by the coarse clock. */
  lastWrittenMs: number;
  readonly #transport: Transport;
  readonly #clock: CoarseClock;
  readonly #owner: OutboxOwner;
  #chunks = NO_CHUNKS;
  #isWriting = false;
  #writing: Uint8Array = NO_BYTES;
  #startedMs = 0;
  #isPumpDue = false;
  #isAborted = false;
  #flushWaiters = NO_WAITERS;
  /** What a write ends with, created by the first one of its kind: a connection has usually only one kind. */
  #onWritten: ((count: number) => void | Promise<void>) | undefined;
  #onWriteFailed: ((cause: unknown) => never) | undefined;
  #onSent: ((count: number) => void) | undefined;
  #onSendFailed: ((cause: unknown) => void) | undefined;

  constructor(transport: Transport, clock: CoarseClock, owner: OutboxOwner) {
    this.#transport = transport;
    this.#clock = clock;
    this.#owner = owner;
    this.lastWrittenMs = clock.nowMs;
  }

  /** Since when the pending write has made no progress, by the coarse clock; `undefined` without one. */
  get stalledSinceMs(): number | undefined {
    return this.#isWriting ? this.#startedMs : undefined;
  }

  /** Writes the bytes after those already queued, and waits until the kernel has taken them. */
  write(bytes: Uint8Array): Promise<void> {
    this.#count(bytes.length);
    if (!this.#isWriting && this.#chunks.length === 0) return this.#writeNow(bytes);
    this.#queue(bytes);
    this.#schedule();
    return this.flush();
  }

  /** Queues the bytes for the end of this turn. */
  send(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#queue(bytes);
    this.#schedule();
  }

  /** Like {@linkcode send}, but immediately if nothing is queued. */
  sendNow(bytes: Uint8Array): void {
    if (this.#isWriting || this.#chunks.length > 0) return this.send(bytes);
    this.#count(bytes.length);
    this.#writeOut(bytes);
  }

  /** Waits until everything queued has been sent. */
  flush(): Promise<void> {
    if (this.queuedBytes === 0) return Promise.resolve();
    const waiter = Promise.withResolvers<void>();
    if (this.#flushWaiters === NO_WAITERS) this.#flushWaiters = [];
    this.#flushWaiters.push(waiter);
    return waiter.promise;
  }

  /** Drops the queue; waiting callers get the owner's error. */
  abort(): void {
    this.#isAborted = true;
    this.#chunks = NO_CHUNKS;
    this.queuedBytes = 0;
    const waiters = this.#flushWaiters;
    this.#flushWaiters = NO_WAITERS;
    for (const waiter of waiters) waiter.reject(this.#owner.closedError());
  }

  #count(bytes: number): void {
    this.queuedBytes += bytes;
    if (this.queuedBytes > this.highWater) this.highWater = this.queuedBytes;
  }

  #queue(bytes: Uint8Array): void {
    if (this.#chunks === NO_CHUNKS) this.#chunks = [];
    this.#chunks.push(bytes);
  }

  #schedule(): void {
    if (this.#isWriting || this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpDue = false;
    if (this.#isWriting || this.#chunks.length === 0) return;
    const chunks = this.#chunks;
    this.#chunks = NO_CHUNKS;
    const only = chunks.length === 1 ? chunks[0] : undefined;
    this.#writeOut(only ?? concat(chunks));
  }

  #writeNow(bytes: Uint8Array): Promise<void> {
    if (this.#onWritten === undefined) this.#prepareToWrite();
    return this.#start(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  /** Apart from {@linkcode #writeNow}, which would otherwise create a scope for these functions at each call. */
  #prepareToWrite(): void {
    this.#onWritten = (count) => {
      if (this.#isAborted) throw this.#owner.closedError();
      const rest = this.#afterWrite(count);
      return rest === undefined ? undefined : this.#writeNow(rest);
    };
    this.#onWriteFailed = (cause) => {
      throw this.#afterFailure(cause);
    };
  }

  /**
   * Writes without a waiting caller, with one promise less than {@linkcode #writeNow}, which matters for broadcasts.
   */
  #writeOut(bytes: Uint8Array): void {
    if (this.#onSent === undefined) this.#prepareToSend();
    void this.#start(bytes).then(this.#onSent, this.#onSendFailed);
  }

  #prepareToSend(): void {
    this.#onSent = (count) => {
      const rest = this.#isAborted ? undefined : this.#afterWrite(count);
      if (rest !== undefined) this.#writeOut(rest);
    };
    // The owner closes the connection, which rejects every waiter.
    this.#onSendFailed = (cause) => void this.#afterFailure(cause);
  }

  #start(bytes: Uint8Array): Promise<number> {
    this.#isWriting = true;
    this.#writing = bytes;
    this.#startedMs = this.#clock.nowMs;
    return this.#transport.write(bytes);
  }

  /** The bytes that the kernel did not take, if any. */
  #afterWrite(count: number): Uint8Array | undefined {
    this.bytesWritten += count;
    this.queuedBytes -= count;
    this.lastWrittenMs = this.#clock.nowMs;
    if (count < this.#writing.length) return this.#writing.subarray(count);
    this.#writing = NO_BYTES;
    this.#isWriting = false;
    if (this.#chunks.length > 0) this.#schedule();
    else if (this.#flushWaiters.length > 0) this.#settleFlush();
    return undefined;
  }

  #afterFailure(cause: unknown): Error {
    this.#writing = NO_BYTES;
    this.#isWriting = false;
    return this.#isAborted ? this.#owner.closedError() : this.#owner.onWriteFailed(cause);
  }

  #settleFlush(): void {
    const waiters = this.#flushWaiters;
    this.#flushWaiters = NO_WAITERS;
    for (const waiter of waiters) waiter.resolve();
  }
}
