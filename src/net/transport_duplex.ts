import { Duplex } from "node:stream";
import type { Transport } from "./connection.ts";

/** Bytes of one read below TLS: four records of the largest size (RFC 8446, section 5.1). */
const READ_BYTES = 64 * 1024;

/** A transport as the stream that `node:tls` takes: what lies below TLS. */
export class TransportDuplex extends Duplex {
  readonly #transport: Transport;
  readonly #space = new Uint8Array(READ_BYTES);

  /** Takes over the transport. */
  constructor(transport: Transport) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
  }

  override _read(): void {
    this.#transport.read(this.#space).then(
      // A copy: the records are decoded later, when the space holds others.
      (count) => this.push(count === null ? null : this.#space.slice(0, count)),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#writeAll(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    // Gone already is as good as ended: whoever reads is told by the read.
    this.#transport.closeWrite().then(() => done(), () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    try {
      this.#transport.close();
    } catch (cause) {
      // BadResource: the runtime closed it before us, which is what was wanted.
      if (!(cause instanceof Deno.errors.BadResource)) error ??= cause instanceof Error ? cause : null;
    }
    done(error);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#transport.write(rest));
  }
}
