import { NO_BYTES } from "../base/bytes.ts";

const NO_WORDS = new DataView(NO_BYTES.buffer);
const WORD = Int32Array.BYTES_PER_ELEMENT;
/** In each byte of a word, 1 and the highest bit. */
const EACH_BYTE = 0x01010101;
const HIGH_BITS = 0x80808080;

/**
 * The bytes of a stream that do not form a complete message yet. Only an incomplete rest is copied, so reads of whole
 * messages cost no copy.
 */
export class ByteQueue {
  #bytes: Uint8Array = NO_BYTES;
  /** Of the whole buffer of `#bytes`, and kept while reads reuse that. */
  #words: DataView = NO_WORDS;
  #from = 0;
  /** End of the valid bytes; an owned array may have capacity beyond it. */
  #to = 0;
  #isOwned = false;

  /** Number of buffered bytes. */
  get length(): number {
    return this.#to - this.#from;
  }

  /**
   * Adds bytes without a copy, unless earlier bytes are still buffered. The view must stay valid until the next push.
   */
  push(bytes: Uint8Array): void {
    const waiting = this.length;
    if (waiting === 0) {
      this.#bytes = bytes;
      this.#from = 0;
      this.#to = bytes.length;
      this.#isOwned = false;
      return;
    }
    if (this.#isOwned && this.#to + bytes.length <= this.#bytes.length) {
      this.#bytes.set(bytes, this.#to);
      this.#to += bytes.length;
      return;
    }
    // Double the size, so that a message that arrives byte by byte is not copied each time.
    const grown = new Uint8Array((waiting + bytes.length) * 2);
    grown.set(this.view(0, waiting));
    grown.set(bytes, waiting);
    this.#bytes = grown;
    this.#from = 0;
    this.#to = waiting + bytes.length;
    this.#isOwned = true;
  }

  /** Copies the rest. Call it when every message has been taken and before the pushed bytes are overwritten. */
  keep(): void {
    if (this.#isOwned) return;
    const waiting = this.length;
    this.#bytes = waiting === 0 ? NO_BYTES : this.#bytes.slice(this.#from, this.#to);
    this.#from = 0;
    this.#to = waiting;
    this.#isOwned = true;
  }

  at(index: number): number {
    return this.#bytes[this.#from + index] ?? 0;
  }

  /** A view of a range. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#from + from, this.#from + to);
  }

  /**
   * Index of a byte at or after `from`, or -1. Compares four bytes at a time, because for short messages the call of the
   * array's own `indexOf()` costs more than the search.
   */
  indexOf(byte: number, from: number): number {
    const bytes = this.#bytes;
    if (bytes.buffer !== this.#words.buffer) this.#words = new DataView(bytes.buffer);
    const words = this.#words;
    const { byteOffset } = bytes;
    const end = this.#to;
    const pattern = byte * EACH_BYTE;
    let at = this.#from + from;
    for (; at + WORD <= end; at += WORD) {
      const difference = words.getInt32(byteOffset + at, true) ^ pattern;
      // Only a zero byte borrows from its own high bit, which is clear.
      if (((difference - EACH_BYTE) & ~difference & HIGH_BITS) !== 0) break;
    }
    for (; at < end; at++) if (bytes[at] === byte) return at - this.#from;
    return -1;
  }

  /** Removes the first bytes and returns a view of them. */
  take(count: number): Uint8Array {
    const from = this.#from;
    this.#from = from + count;
    return this.#bytes.subarray(from, this.#from);
  }

  /** Removes the first bytes. */
  skip(count: number): void {
    this.#from += Math.min(count, this.length);
  }
}
