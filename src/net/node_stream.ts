/**
 * Between transports and the streams of `node:net` and `node:tls`, both ways.
 *
 * @module
 */

import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { toError } from "../base/errors.ts";
import { ReadBuffer } from "./read_buffer.ts";
import type { Transport } from "./transport.ts";

/** The stream's underlying transport, which exerts backpressure. */
interface BelowStream {
  /** Whether data is read as it arrives. */
  set wants(isWanted: boolean);
  /** Calls back when everything has been written, or with an error; without it, that is when the stream calls back. */
  whenWritten?(then: (error?: Error) => void): void;
  /** Its error; server-side TLS would report a reset as an end. */
  readonly failure?: Error | undefined;
}

/** Bytes buffered without a reader before reading pauses. */
const READ_AHEAD_BYTES = 64 * 1_024;

/** A stream of `node:tls` or `node:net` as a transport: reads and writes one at a time. */
export class StreamTransport implements Transport {
  readonly #stream: Duplex;
  readonly #below: BelowStream;
  readonly #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #isPaused = true;
  #isEnded = false;
  #failure: Error | undefined;
  #writer: PromiseWithResolvers<number> | undefined;
  #reader: { readonly bytes: Uint8Array; readonly settle: PromiseWithResolvers<number | null> } | undefined;

  /** Takes ownership of the stream and its underlying transport. */
  constructor(stream: Duplex, below: BelowStream) {
    this.#stream = stream;
    this.#below = below;
    stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("close", this.#onClose);
    stream.on("error", this.#onError);
  }

  /**
   * Leaves the stream to another reader, with what was read but not taken put back. `false`, and nothing is changed, if
   * the stream has ended or is being read.
   */
  protected release(): boolean {
    const stream = this.#stream;
    if (this.#isEnded || this.#reader !== undefined || stream.destroyed) return false;
    stream.off("data", this.#onData);
    stream.off("end", this.#onEnd);
    stream.off("close", this.#onClose);
    stream.off("error", this.#onError);
    stream.pause();
    for (const chunk of this.#chunks.splice(0).reverse()) stream.unshift(chunk);
    return true;
  }

  read(bytes: Uint8Array): Promise<number | null> {
    if (this.#chunks.length > 0) return Promise.resolve(this.#take(bytes));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isEnded) return Promise.resolve(null);
    const settle = Promise.withResolvers<number | null>();
    this.#reader = { bytes, settle };
    if (this.#isPaused) this.#below.wants = true;
    this.#isPaused = false;
    return settle.promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // TLS has no empty records: the runtime rejects an empty write with EPERM.
    if (bytes.length === 0) return Promise.resolve(0);
    const writer = this.#writer = Promise.withResolvers<number>();
    this.writeOut(bytes, (error) => {
      if (error) this.#failWrite(this.#failure ?? error);
      else writer.resolve(bytes.length);
    });
    return writer.promise;
  }

  /** Calls back when the bytes have left, or with an error. */
  protected writeOut(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#stream.write(bytes, (error) => {
      if (error || this.#below.whenWritten === undefined) done(error);
      // The callback comes when the records are encrypted; they are passed down in the next microtask.
      else queueMicrotask(() => this.#below.whenWritten?.(done));
    });
  }

  async closeWrite(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // A destroyed stream calls back too; the next read reports why.
    this.#stream.end(() => resolve());
    await promise;
  }

  close(): void {
    this.#stream.destroy();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.settle.resolve(this.#take(reader.bytes));
    }
    // Not for each chunk, because pausing and resuming costs more than reading it.
    if (this.#chunkBytes < READ_AHEAD_BYTES) return;
    this.#isPaused = true;
    this.#below.wants = false;
  };

  readonly #onEnd = (): void => {
    this.#failure ??= this.#below.failure;
    this.#isEnded = true;
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    if (this.#failure !== undefined) reader.settle.reject(this.#failure);
    else reader.settle.resolve(null);
  };

  readonly #onClose = (): void => {
    this.#onEnd();
    this.#failWrite(this.#failure ?? new Deno.errors.NotConnected("the connection is closed"));
  };

  readonly #onError = (error: Error): void => {
    this.#failure ??= error;
    this.#onEnd();
  };

  /** A destroyed stream may never call back. */
  #failWrite(error: Error): void {
    this.#writer?.reject(error);
    this.#writer = undefined;
  }

  #take(bytes: Uint8Array): number {
    let count = 0;
    while (count < bytes.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const room = bytes.length - count;
      if (chunk.length > room) {
        bytes.set(chunk.subarray(0, room), count);
        this.#chunks[0] = chunk.subarray(room);
        this.#chunkBytes -= room;
        return bytes.length;
      }
      bytes.set(chunk, count);
      count += chunk.length;
      this.#chunkBytes -= chunk.length;
      this.#chunks.shift();
    }
    return count;
  }
}

/** A pending write of TLS. */
interface Outgoing {
  readonly bytes: Uint8Array;
  readonly done: () => void;
}

/**
 * Presents a transport to `node:tls` as the stream below TLS.
 *
 * It implements only the methods that `node:tls` calls, for two reasons. A real `Duplex` is much slower for small
 * messages because of extra copies and turns of the event loop. And `node:tls` neither limits what it reads nor what it
 * writes, so there would be no backpressure: here, reading waits until a reader {@linkcode wants} bytes, and {@linkcode
 * whenWritten} calls back when everything is written.
 */
export class TransportStream extends EventEmitter {
  readonly allowHalfOpen = true;
  readonly readableObjectMode = false;
  readable = true;
  writable = true;
  /** The error of the transport below. */
  failure: Error | undefined;
  readonly #transport: Transport;
  readonly #buffer = new ReadBuffer();
  #isPaused = true;
  #isWanted = true;
  #isReading = false;
  #isDestroyed = false;
  readonly #outgoing: Outgoing[] = [];
  #isWriting = false;
  #whenWritten: ((error?: Error) => void)[] = [];

  /** Takes ownership of the transport. */
  constructor(transport: Transport) {
    super();
    this.#transport = transport;
  }

  /** Casts to the type that `node:tls` declares. */
  get asDuplex(): Duplex {
    return this as unknown as Duplex;
  }

  /** Whether data is read as it arrives: during the handshake, and while a reader waits. */
  set wants(isWanted: boolean) {
    this.#isWanted = isWanted;
    this.#readOn();
  }

  /** Calls back when everything has been written, or with an error. */
  whenWritten(then: (error?: Error) => void): void {
    if (this.#isDestroyed) then(new Deno.errors.NotConnected("the connection is closed"));
    else if (this.#isWriting) this.#whenWritten.push(then);
    else then();
  }

  resume(): void {
    this.#isPaused = false;
    this.#readOn();
  }

  pause(): void {
    this.#isPaused = true;
  }

  cork(): void {}

  uncork(): void {}

  write(bytes: Uint8Array, done: () => void): boolean {
    if (this.#isDestroyed) return false;
    this.#outgoing.push({ bytes, done });
    if (!this.#isWriting) void this.#writeAll();
    return true;
  }

  end(done: () => void): void {
    this.writable = false;
    // A closed connection counts as ended; the next read reports why.
    this.whenWritten(() => void this.#transport.closeWrite().then(done, done));
  }

  destroy(error?: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.readable = this.writable = false;
    try {
      this.#transport.close();
    } catch (cause) {
      // BadResource means that the runtime has closed it already.
      if (!(cause instanceof Deno.errors.BadResource)) error ??= cause instanceof Error ? cause : undefined;
    }
    this.failure = error;
    // TLS gets no callback: it would continue with destroyed objects.
    this.#outgoing.length = 0;
    this.#settleWritten(error ?? new Deno.errors.NotConnected("the connection is closed"));
    // Deferred: the caller of destroy() does not expect events before it returns.
    queueMicrotask(() => {
      if (error !== undefined) this.emit("error", error);
      this.emit("close");
    });
  }

  #readOn(): void {
    if (this.#isReading || this.#isPaused || !this.#isWanted || !this.readable) return;
    this.#isReading = true;
    this.#transport.read(this.#buffer.space).then(this.#onRead, this.#onReadFailed);
  }

  readonly #onRead = (count: number | null): void => {
    this.#isReading = false;
    if (this.#isDestroyed) return;
    if (count === null) {
      this.readable = false;
      this.emit("end");
    } else {
      this.#hand(this.#buffer.take(count));
      this.#readOn();
    }
  };

  /** Passes bytes to TLS, which has consumed them when this returns, so the buffer can be reused. */
  #hand(bytes: Uint8Array): void {
    try {
      this.emit("data", bytes);
    } catch (cause) {
      this.destroy(toError(cause));
    }
  }

  readonly #onReadFailed = (error: Error): void => {
    this.#isReading = false;
    this.destroy(error);
  };

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
        for (let rest = next.bytes; rest.length > 0;) rest = rest.subarray(await this.#transport.write(rest));
        // The callback lets TLS write more.
        if (!this.#isDestroyed) next.done();
      }
      this.#isWriting = false;
      this.#settleWritten();
    } catch (cause) {
      this.destroy(toError(cause));
    }
  }

  #settleWritten(error?: Error): void {
    const waiting = this.#whenWritten;
    if (waiting.length === 0) return;
    this.#whenWritten = [];
    for (const then of waiting) then(error);
  }
}
