import { DEFAULTS } from "../base/defaults.ts";

const SMALL_READS_BEFORE_SHRINKING = 16;

/**
 * The read buffer of a connection. It starts at 128 bytes, doubles up to 256 KiB when a read fills it, and halves after
 * a run of small reads. So idle connections use little memory, and bulk transfer is fast.
 */
export class ReadBuffer {
  #buffer = new Uint8Array(DEFAULTS.readBufferBytes);
  #smallReads = 0;
  /** The view of the last read, reused for messages of the same size. */
  #view = this.#buffer;

  /** The space to read into. */
  get space(): Uint8Array<ArrayBuffer> {
    return this.#buffer;
  }

  /** Returns the first `count` bytes and resizes the space for the next read. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer;
    if (count === buffer.length) {
      this.#smallReads = 0;
      if (count < DEFAULTS.readBufferMostBytes) this.#replace(count * 2);
      return buffer;
    }
    if (count * 4 > buffer.length || buffer.length === DEFAULTS.readBufferBytes) {
      this.#smallReads = 0;
    } else if (++this.#smallReads === SMALL_READS_BEFORE_SHRINKING) {
      this.#smallReads = 0;
      this.#replace(buffer.length / 2);
      return buffer.subarray(0, count);
    }
    if (this.#view.length !== count) this.#view = buffer.subarray(0, count);
    return this.#view;
  }

  /** The view would keep the old buffer alive. */
  #replace(size: number): void {
    this.#buffer = this.#view = new Uint8Array(size);
  }
}
