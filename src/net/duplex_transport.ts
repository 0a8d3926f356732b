import type { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";

/** Bytes read ahead of the reader before the peer is held back. */
const HIGH_WATER_BYTES = 64 * 1024;

/** A stream of `node:tls` as a transport: reads and writes one at a time. */
export class DuplexTransport implements Transport {
  readonly #stream: Duplex;
  #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** Takes over the stream. */
  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", (chunk: Uint8Array) => this.#push(chunk));
    stream.on("end", () => this.#end());
    stream.on("close", () => this.#end());
    stream.on("error", (error: Error) => {
      this.#failure ??= error;
      this.#end();
    });
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#take(bytes);
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    // TLS has no record of nothing to send: the runtime refuses it with EPERM.
    if (bytes.length === 0) return 0;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream.write(bytes, (error) => error ? reject(this.#failure ?? error) : resolve());
    await promise;
    return bytes.length;
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
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= HIGH_WATER_BYTES) this.#stream.pause();
    this.#ring();
  }

  #end(): void {
    this.#isEnded = true;
    this.#ring();
  }

  #ring(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #take(bytes: Uint8Array): number {
    let count = 0;
    while (count < bytes.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const part = chunk.subarray(0, bytes.length - count);
      bytes.set(part, count);
      count += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#queuedBytes -= count;
    if (this.#queuedBytes < HIGH_WATER_BYTES && this.#stream.isPaused()) this.#stream.resume();
    return count;
  }
}
