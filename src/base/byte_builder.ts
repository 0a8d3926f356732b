import { NO_BYTES } from "./bytes.ts";

const encoder = new TextEncoder();
/** Larger buffers are not kept for reuse by their builder, because most connections are idle. */
const KEPT_BYTES = 8 * 1024;
/** Larger buffers are not reused. */
const MAX_SPARE_BYTES = 128 * 1024;
const MAX_SPARES = 8;
/** Up to this length a text is copied by a loop, which costs less than a call of the encoder. */
const SHORT_TEXT = 48;
/** Recycled large buffers, for the next builder that needs one: zeroing new ones costs more than to fill them. */
const SPARES: Uint8Array<ArrayBuffer>[] = [];

/**
 * A growing buffer that collects many small messages into one array.
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
  #buffer: Uint8Array<ArrayBuffer> = NO_BYTES;
  #length = 0;

  /** Bytes collected so far. */
  get length(): number {
    return this.#length;
  }

  /** Makes room for that many more bytes in one step. */
  expect(bytes: number): void {
    this.#ensure(this.#length + bytes);
  }

  /** Appends a copy of the bytes. */
  append(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Appends a text in UTF-8. */
  appendText(text: string): void {
    // Most text is ASCII. Of any other, a UTF-16 unit takes three bytes at most.
    const read = text.length <= SHORT_TEXT ? this.#copyAscii(text) : this.#encode(text, text.length);
    if (read < text.length) this.#encode(text.slice(read), 3 * (text.length - read));
  }

  /** Appends the text up to its first character that is not ASCII; returns how much of it that is. */
  #copyAscii(text: string): number {
    const at = this.#reserve(text.length);
    const buffer = this.#buffer;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#length = at + index;
        return index;
      }
      buffer[at + index] = code;
    }
    return text.length;
  }

  /** Appends what fits; returns how much of the text that is. */
  #encode(text: string, bytes: number): number {
    const at = this.#reserve(bytes);
    const { read, written } = encoder.encodeInto(text, this.#buffer.subarray(at));
    this.#length = at + written;
    return read;
  }

  /** Appends one byte. */
  appendByte(byte: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = byte;
  }

  /** Drops what was appended after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** Returns everything and empties the builder; the caller owns the array. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = NO_BYTES;
    this.#length = 0;
    return taken;
  }

  /** Recycles bytes that `take()` returned and that are no longer used; a large buffer serves the next builder. */
  recycle(taken: Uint8Array<ArrayBuffer>): void {
    const { buffer } = taken;
    if (buffer.byteLength <= KEPT_BYTES) {
      if (this.#buffer.length === 0) this.#buffer = new Uint8Array(buffer);
    } else if (buffer.byteLength <= MAX_SPARE_BYTES && SPARES.length < MAX_SPARES) {
      SPARES.push(new Uint8Array(buffer));
    }
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#ensure(at + count);
    this.#length += count;
    return at;
  }

  #ensure(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const grown = spareOf(bytes) ?? new Uint8Array(Math.max(bytes, this.#buffer.length * 2, 256));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** A spare buffer of at least that size. One that is too small is dropped, so that larger ones replace it. */
function spareOf(bytes: number): Uint8Array<ArrayBuffer> | undefined {
  if (bytes <= KEPT_BYTES || bytes > MAX_SPARE_BYTES) return undefined;
  const spare = SPARES.pop();
  return spare !== undefined && spare.length >= bytes ? spare : undefined;
}
