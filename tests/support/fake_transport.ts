import { Connection, Logger, parseEndpoint, type Transport } from "@parley/parley";
import type { ConnectionInit } from "../../src/net/connection_ends.ts";

/** A transport whose other side is the test, which supplies the data to read, and can hold back writes. */
export class FakeTransport implements Transport {
  /** Each write as it was made, in order. */
  readonly writes: string[] = [];
  closeCount = 0;
  isWriteClosed = false;
  /** Most bytes that one write takes. */
  writesMost = Infinity;
  /** Thrown by `close()`. */
  closeFailure: Error | undefined;
  readonly #incoming: (Uint8Array | null | Error)[] = [];
  #reader: { into: Uint8Array; result: PromiseWithResolvers<number | null> } | undefined;
  #held: PromiseWithResolvers<void> | undefined;

  /** What a read gives next: bytes, the end (`null`) or a failure. */
  say(...what: readonly (string | Uint8Array | null | Error)[]): void {
    this.#incoming.push(...what.map((item) => typeof item === "string" ? new TextEncoder().encode(item) : item));
    this.#deliver();
  }

  /** Writes wait from now on, until {@linkcode releaseWrites}. */
  holdWrites(): void {
    this.#held = Promise.withResolvers();
  }

  /** Lets them go, or fails them. */
  releaseWrites(failure?: Error): void {
    if (failure) this.#held?.reject(failure);
    else this.#held?.resolve();
    this.#held = undefined;
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#reader) throw new Error("two reads at once");
    const result = Promise.withResolvers<number | null>();
    this.#reader = { into, result };
    this.#deliver();
    return result.promise;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, this.writesMost);
    if (this.#held) await this.#held.promise;
    if (this.closeCount > 0) throw new Deno.errors.BadResource("closed");
    this.writes.push(new TextDecoder().decode(bytes.subarray(0, count)));
    return count;
  }

  closeWrite(): Promise<void> {
    this.isWriteClosed = true;
    return Promise.resolve();
  }

  close(): void {
    this.closeCount++;
    this.#reader?.result.reject(new Deno.errors.Interrupted("closed"));
    this.#reader = undefined;
    this.#held?.resolve();
    if (this.closeFailure) throw this.closeFailure;
  }

  #deliver(): void {
    const reader = this.#reader;
    const next = this.#incoming.shift();
    if (!reader || next === undefined) {
      if (next !== undefined) this.#incoming.unshift(next);
      return;
    }
    this.#reader = undefined;
    if (next instanceof Error) return reader.result.reject(next);
    if (next === null) return reader.result.resolve(null);
    const part = next.subarray(0, reader.into.length);
    reader.into.set(part);
    if (part.length < next.length) this.#incoming.unshift(next.subarray(part.length));
    reader.result.resolve(part.length);
  }
}

/** A connection over a {@linkcode FakeTransport}. */
export function fakeConnection(
  init: Partial<ConnectionInit> = {},
): { transport: FakeTransport; connection: Connection } {
  const transport = new FakeTransport();
  const connection = new Connection(transport, {
    id: 1,
    local: parseEndpoint("tcp://127.0.0.1:1"),
    remote: parseEndpoint("tcp://127.0.0.1:2"),
    log: Logger.of("test"),
    ...init,
  });
  return { transport, connection };
}
