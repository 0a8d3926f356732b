import { DEFAULTS } from "../base/defaults.ts";
import type { Transport } from "./transport.ts";
import { nextTurn } from "./wait.ts";

const SMALL_READS_BEFORE_SHRINKING = 16;
/** A smaller read is not of a peer that sends faster than its bytes are processed. */
const BULK_BYTES = 16 * 1024;
/** How long the bytes of one read may be processed before others get a turn. */
const SLICE_MS = 5;

/**
 * The read buffer of a connection. It starts at 128 bytes, doubles up to 256 KiB when a read fills it, and halves after
 * a run of small reads. So idle connections use little memory, and bulk transfer is fast.
 */
export class ReadBuffer {
  #buffer = new Uint8Array(DEFAULTS.readBufferBytes);
  #smallReads = 0;
  /** The view of the last read, reused for messages of the same size. */
  #view = this.#buffer;
  /** When the last read was taken, if it was large. */
  #takenMs = Infinity;

  /** The space to read into. */
  get space(): Uint8Array<ArrayBuffer> {
    return this.#buffer;
  }

  /**
   * Reads into the space. If the last read was processed for long, others get a turn first: what a flooding peer has
   * sent is read at once, without a turn of the event loop.
   */
  fill(transport: Pick<Transport, "read">): Promise<number | null> {
    const isDue = this.#takenMs !== Infinity && performance.now() - this.#takenMs > SLICE_MS;
    return isDue ? nextTurn().then(() => transport.read(this.#buffer)) : transport.read(this.#buffer);
  }

  /** Returns the first `count` bytes and resizes the space for the next read. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer;
    this.#takenMs = count < BULK_BYTES ? Infinity : performance.now();
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
