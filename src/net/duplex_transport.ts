import type { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";

/** What the stream lies on, which holds the peer back. */
export interface BelowStream {
  /** Whether bytes are read as they come. */
  set wants(isWanted: boolean);
  /** Calls back once everything written has left, with an error if it will not. */
  whenWritten(then: (error?: Error) => void): void;
  /** What broke it; TLS on the side of a server takes a reset for an end. */
  readonly failure?: Error | undefined;
}

/** Bytes that are buffered without a reader before the peer is held back. */
const READ_AHEAD_BYTES = 64 * 1_024;

/** A stream of `node:tls` or `node:net` as a transport: reads and writes one at a time. */
export class DuplexTransport implements Transport {
  readonly #stream: Duplex;
  readonly #below: BelowStream;
  readonly #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #isPaused = true;
  #isEnded = false;
  #failure: Error | undefined;
  #writer: PromiseWithResolvers<number> | undefined;
  #reader: { readonly bytes: Uint8Array; readonly settle: PromiseWithResolvers<number | null> } | undefined;

  /** Takes over the stream and what it lies on. */
  constructor(stream: Duplex, below: BelowStream) {
    this.#stream = stream;
    this.#below = below;
    stream.on("data", (chunk: Uint8Array) => this.#push(chunk));
    stream.on("end", () => this.#end());
    stream.on("close", () => {
      this.#end();
      this.#failWrite(this.#failure ?? new Deno.errors.NotConnected("the connection is closed"));
    });
    stream.on("error", (error: Error) => {
      this.#failure ??= error;
      this.#end();
    });
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
    // TLS has no record of nothing to send: the runtime refuses it with EPERM.
    if (bytes.length === 0) return Promise.resolve(0);
    const writer = this.#writer = Promise.withResolvers<number>();
    const onLeft = (error?: Error | null) => {
      if (error) this.#failWrite(this.#failure ?? error);
      else writer.resolve(bytes.length);
    };
    this.#stream.write(bytes, (error) => {
      if (error) onLeft(error);
      // It calls back when the records are made; they are handed down in the next microtask.
      else queueMicrotask(() => this.#below.whenWritten(onLeft));
    });
    return writer.promise;
  }

  async closeWrite(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // A stream that was destroyed meanwhile calls back too: the next read says why.
    this.#stream.end(() => resolve());
    await promise;
  }

  close(): void {
    this.#stream.destroy();
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.settle.resolve(this.#take(reader.bytes));
    }
    // Not at each chunk: to pause and to resume costs more than to read it.
    if (this.#chunkBytes < READ_AHEAD_BYTES) return;
    this.#isPaused = true;
    this.#below.wants = false;
  }

  #end(): void {
    this.#failure ??= this.#below.failure;
    this.#isEnded = true;
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    if (this.#failure !== undefined) reader.settle.reject(this.#failure);
    else reader.settle.resolve(null);
  }

  /** A stream that is taken apart forgets to call back. */
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
