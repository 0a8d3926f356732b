import type { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";

/** The stream's underlying transport, which exerts backpressure. */
export interface BelowStream {
  /** Whether data is read as it arrives. */
  set wants(isWanted: boolean);
  /** Calls back when everything has been written, or with an error. */
  whenWritten(then: (error?: Error) => void): void;
  /** Its error; server-side TLS would report a reset as an end. */
  readonly failure?: Error | undefined;
}

/** Bytes buffered without a reader before reading pauses. */
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

  /** Takes ownership of the stream and its underlying transport. */
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
    // TLS has no empty records: the runtime rejects an empty write with EPERM.
    if (bytes.length === 0) return Promise.resolve(0);
    const writer = this.#writer = Promise.withResolvers<number>();
    const onLeft = (error?: Error | null) => {
      if (error) this.#failWrite(this.#failure ?? error);
      else writer.resolve(bytes.length);
    };
    this.#stream.write(bytes, (error) => {
      if (error) onLeft(error);
      // The callback comes when the records are encrypted; they are passed down in the next microtask.
      else queueMicrotask(() => this.#below.whenWritten(onLeft));
    });
    return writer.promise;
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

  #push(chunk: Uint8Array): void {
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
