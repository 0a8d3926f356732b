import { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** A transport as the stream that `node:tls` takes: what lies below TLS. */
export class TransportDuplex extends Duplex {
  readonly #transport: Transport;
  readonly #buffer = new ReadBuffer();

  /** Takes over the transport. */
  constructor(transport: Transport) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
  }

  override _read(): void {
    this.#transport.read(this.#buffer.space).then(
      // A copy: the records are decoded later, when the buffer holds others.
      (count) => this.push(count === null ? null : this.#buffer.take(count).slice()),
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
