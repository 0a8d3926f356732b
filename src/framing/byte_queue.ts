const EMPTY = new Uint8Array(0);

/**
 * The bytes of a stream that are not yet part of a message. While each read
 * holds whole messages nothing is copied: only what a read leaves over is kept.
 */
export class ByteQueue {
  #bytes: Uint8Array = EMPTY;
  #from = 0;
  /** The end of the bytes that count; behind it an owned array may have room. */
  #to = 0;
  #isOwned = false;

  /** How many bytes wait. */
  get length(): number {
    return this.#to - this.#from;
  }

  /** Adds bytes; what waited before is copied, the new bytes are not until the next push. */
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
    // Twice the size, so that a message that comes byte by byte is not copied each time.
    const grown = new Uint8Array((waiting + bytes.length) * 2);
    grown.set(this.view(0, waiting));
    grown.set(bytes, waiting);
    this.#bytes = grown;
    this.#from = 0;
    this.#to = waiting + bytes.length;
    this.#isOwned = true;
  }

  /** Must be called when every message has been taken and before the pushed bytes are overwritten. */
  keep(): void {
    if (this.#isOwned) return;
    const waiting = this.length;
    this.#bytes = waiting === 0 ? EMPTY : this.#bytes.slice(this.#from, this.#to);
    this.#from = 0;
    this.#to = waiting;
    this.#isOwned = true;
  }

  /** The byte at an index. */
  at(index: number): number {
    return this.#bytes[this.#from + index] ?? 0;
  }

  /** A view from an index to another. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#from + from, this.#from + to);
  }

  /** Index of a byte at or after `from`, or -1. */
  indexOf(byte: number, from: number): number {
    const at = this.#bytes.indexOf(byte, this.#from + from);
    return at === -1 || at >= this.#to ? -1 : at - this.#from;
  }

  /** Takes the first bytes, as a view. */
  take(count: number): Uint8Array {
    const from = this.#from;
    this.#from = from + count;
    return this.#bytes.subarray(from, this.#from);
  }

  /** Drops the first bytes. */
  skip(count: number): void {
    this.#from += Math.min(count, this.length);
  }
}
