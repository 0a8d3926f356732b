const EMPTY = new Uint8Array(0);

/**
 * The bytes of a stream that do not form a complete message yet. Only an incomplete rest is copied, so reads of whole
 * messages cost no copy.
 */
export class ByteQueue {
  #bytes: Uint8Array = EMPTY;
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
    this.#bytes = waiting === 0 ? EMPTY : this.#bytes.slice(this.#from, this.#to);
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

  /** Index of a byte at or after `from`, or -1. */
  indexOf(byte: number, from: number): number {
    const at = this.#bytes.indexOf(byte, this.#from + from);
    return at === -1 || at >= this.#to ? -1 : at - this.#from;
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
