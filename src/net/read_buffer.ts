import { DEFAULTS } from "../base/defaults.ts";

const SMALL_READS_BEFORE_SHRINKING = 16;

/**
 * The buffer that a connection reads into: it starts at 128 bytes, doubles when a
 * read fills it, up to 256 KiB, and halves again after a run of small reads. So
 * 18,000 idle connections cost little, and bulk transfer is not slowed.
 */
export class ReadBuffer {
  #buffer = new Uint8Array(DEFAULTS.readBufferBytes);
  #smallReads = 0;
  /** What the last read gave: messages of one size need one view. */
  #view = this.#buffer;

  /** The bytes to read into. */
  get space(): Uint8Array<ArrayBuffer> {
    return this.#buffer;
  }

  /** The first `count` bytes of the space, and a fitting space for the next read. */
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

  /** The view goes too: it would keep the old bytes alive. */
  #replace(size: number): void {
    this.#buffer = this.#view = new Uint8Array(size);
  }
}
