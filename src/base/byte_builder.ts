const EMPTY = new Uint8Array(0);
/** Largest buffer that is kept for the next time. */
const KEPT_BYTES = 8 * 1024;

/**
 * A buffer that grows: many small messages are written into it and leave as one.
 *
 * @example Two pieces, one array
 * ```ts
 * import { ByteBuilder } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const builder = new ByteBuilder();
 * builder.append(Uint8Array.of(1, 2));
 * builder.appendByte(3);
 * assertEquals(builder.take(), Uint8Array.of(1, 2, 3));
 * assertEquals(builder.length, 0);
 * ```
 */
export class ByteBuilder {
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  #length = 0;

  /** How many bytes are waiting. */
  get length(): number {
    return this.#length;
  }

  /** Copies the bytes to the end. */
  append(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Puts one byte at the end. */
  appendByte(byte: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = byte;
  }

  /** Takes everything out; the array is the caller's, and the builder is empty. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = EMPTY;
    this.#length = 0;
    return taken;
  }

  /** Returns taken bytes that are no longer used: their buffer is reused unless it is large. */
  recycle(taken: Uint8Array<ArrayBuffer>): void {
    const { buffer } = taken;
    if (this.#buffer.length === 0 && buffer.byteLength <= KEPT_BYTES) this.#buffer = new Uint8Array(buffer);
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2, 256));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
    }
    return at;
  }
}
