import { hexDump } from "../../base/bytes.ts";
import type { Logger } from "../../log/logger.ts";
import type { Layer } from "../layer.ts";
import { resetOrClose, type Transport } from "../transport.ts";

/** Maximum bytes of a read or write to dump; the rest is only counted. */
const DUMP_BYTES = 4_096;

/**
 * Logs each step of the transport, with hex dumps of received (`<`) and sent (`>`) bytes. Added only if level `trace`
 * is logged, so it costs nothing otherwise.
 */
export const traceLayer: Layer = {
  name: "trace",
  wrap: (inner, { log }) => Promise.resolve({ transport: new TracedTransport(inner, log) }),
};

/** Logs the start of the TLS handshake. */
export const handshakeTraceLayer: Layer = {
  name: "trace",
  wrap(inner, { log }) {
    log.trace("TLS handshake", { step: "handshake" });
    return Promise.resolve({ transport: inner });
  },
};

class TracedTransport implements Transport {
  readonly #inner: Transport;
  readonly #log: Logger;

  constructor(inner: Transport, log: Logger) {
    this.#inner = inner;
    this.#log = log;
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    const count = await this.#step("read", () => this.#inner.read(bytes));
    if (count === null) this.#log.trace("< end", { step: "end" });
    else dump("<", bytes.subarray(0, count), this.#log);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = await this.#step("write", () => this.#inner.write(bytes));
    dump(">", bytes.subarray(0, count), this.#log);
    return count;
  }

  async closeWrite(): Promise<void> {
    await this.#step("end our side", () => this.#inner.closeWrite());
    this.#log.trace("> end", { step: "half-close" });
  }

  close(): void {
    this.#log.trace("close", { step: "close" });
    this.#inner.close();
  }

  reset(): boolean {
    this.#log.trace("reset", { step: "reset" });
    return resetOrClose(this.#inner);
  }

  async #step<T>(name: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.#log.trace(`${name} failed`, { error: String(error) });
      throw error;
    }
  }
}

function dump(arrow: "<" | ">", bytes: Uint8Array, log: Logger): void {
  log.trace(`${arrow} ${bytes.length} bytes`, { step: arrow === "<" ? "receive" : "send" });
  for (const line of hexDump(bytes.subarray(0, DUMP_BYTES))) log.trace(`${arrow} ${line}`);
  if (bytes.length > DUMP_BYTES) log.trace(`${arrow} ${bytes.length - DUMP_BYTES} bytes more`);
}
