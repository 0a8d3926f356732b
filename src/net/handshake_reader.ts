import { concat, NO_BYTES } from "../base/bytes.ts";
import { resetOrClose, type Transport } from "./transport.ts";

/** Enough for nearly every handshake message; it grows if necessary. */
const CHUNK_BYTES = 512;

/** A parsed message and its length in bytes. */
export interface Parsed {
  readonly length: number;
}

/** Reads handshake messages from a transport and preserves the bytes that follow. */
export class HandshakeReader {
  readonly #inner: Transport;
  #bytes: Uint8Array = NO_BYTES;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  /**
   * The next message, or `null` if the stream ends first.
   *
   * @param parse Returns `undefined` while the message is incomplete, and throws if it is too long or malformed.
   */
  async read<T extends Parsed>(parse: (bytes: Uint8Array) => T | undefined): Promise<T | null> {
    for (;;) {
      const parsed = this.#bytes.length > 0 ? parse(this.#bytes) : undefined;
      if (parsed !== undefined) {
        this.#bytes = this.#bytes.subarray(parsed.length);
        return parsed;
      }
      const chunk = new Uint8Array(CHUNK_BYTES);
      const count = await this.#inner.read(chunk);
      if (count === null) return null;
      this.#bytes = concat([this.#bytes, chunk.subarray(0, count)]);
    }
  }

  /** Bytes received that do not belong to a complete message yet. */
  get unreadCount(): number {
    return this.#bytes.length;
  }

  /** The transport after the handshake; it first returns the bytes that followed it. */
  transport(): Transport {
    return this.#bytes.length === 0 ? this.#inner : new ResumedTransport(this.#inner, this.#bytes);
  }
}

class ResumedTransport implements Transport {
  readonly #inner: Transport;
  #first: Uint8Array;

  constructor(inner: Transport, first: Uint8Array) {
    this.#inner = inner;
    this.#first = first;
  }

  read(bytes: Uint8Array): Promise<number | null> {
    if (this.#first.length === 0) return this.#inner.read(bytes);
    const taken = this.#first.subarray(0, bytes.length);
    bytes.set(taken);
    this.#first = this.#first.subarray(taken.length);
    return Promise.resolve(taken.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#inner.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#inner.closeWrite();
  }

  close(): void {
    this.#inner.close();
  }

  reset(): boolean {
    return resetOrClose(this.#inner);
  }
}
