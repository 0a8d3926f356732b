import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { Transport } from "./transport.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** A write of TLS that has not left. */
interface Outgoing {
  readonly bytes: Uint8Array;
  readonly done: () => void;
}

/**
 * A transport as the stream that `node:tls` takes: what lies below TLS.
 *
 * It has the few calls that `node:tls` makes and no more, for two reasons. A
 * real `Duplex` costs an echo of 64 bytes two fifths more time, in copies and in
 * turns of the event loop. And `node:tls` takes whatever a stream gives and gives whatever
 * it is asked for, so that neither a peer that floods nor one that does not
 * read would be held back: here, reading waits until a reader {@linkcode wants}
 * bytes, and {@linkcode whenWritten} settles when all are written.
 */
export class TransportDuplex extends EventEmitter {
  readonly allowHalfOpen = true;
  readonly readableObjectMode = false;
  readable = true;
  writable = true;
  /** What the transport below failed with. */
  failure: Error | undefined;
  readonly #transport: Transport;
  readonly #buffer = new ReadBuffer();
  #isPaused = true;
  #isWanted = true;
  #isReading = false;
  #isDestroyed = false;
  readonly #outgoing: Outgoing[] = [];
  #isWriting = false;
  #whenWritten: ((error?: Error) => void)[] = [];

  /** Takes over the transport. */
  constructor(transport: Transport) {
    super();
    this.#transport = transport;
  }

  /** As `node:tls` declares it: it knows of its own streams only. */
  get asDuplex(): Duplex {
    return this as unknown as Duplex;
  }

  /** Whether bytes are read as they come: during the handshake, and while somebody waits for what is in them. */
  set wants(isWanted: boolean) {
    this.#isWanted = isWanted;
    this.#readOn();
  }

  /** Calls back once everything written has left, with an error if it will not. */
  whenWritten(then: (error?: Error) => void): void {
    if (this.#isDestroyed) then(new Deno.errors.NotConnected("the connection is closed"));
    else if (this.#isWriting) this.#whenWritten.push(then);
    else then();
  }

  resume(): void {
    this.#isPaused = false;
    this.#readOn();
  }

  pause(): void {
    this.#isPaused = true;
  }

  cork(): void {}

  uncork(): void {}

  write(bytes: Uint8Array, done: () => void): boolean {
    if (this.#isDestroyed) return false;
    this.#outgoing.push({ bytes, done });
    if (!this.#isWriting) void this.#writeAll();
    return true;
  }

  end(done: () => void): void {
    this.writable = false;
    // A connection that is closed already counts as ended; the next read reports why.
    this.whenWritten(() => void this.#transport.closeWrite().then(done, done));
  }

  destroy(error?: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.readable = this.writable = false;
    try {
      this.#transport.close();
    } catch (cause) {
      // BadResource: the runtime closed it before us, which is what was wanted.
      if (!(cause instanceof Deno.errors.BadResource)) error ??= cause instanceof Error ? cause : undefined;
    }
    this.failure = error;
    // TLS is not called back: it would go on with what has been taken apart already.
    this.#outgoing.length = 0;
    this.#settleWritten(error ?? new Deno.errors.NotConnected("the connection is closed"));
    // In a turn of its own: who destroys it does not expect to hear of it before it returns.
    queueMicrotask(() => {
      if (error !== undefined) this.emit("error", error);
      this.emit("close");
    });
  }

  #readOn(): void {
    if (this.#isReading || this.#isPaused || !this.#isWanted || !this.readable) return;
    this.#isReading = true;
    this.#transport.read(this.#buffer.space).then(this.#onRead, this.#onReadFailed);
  }

  readonly #onRead = (count: number | null): void => {
    this.#isReading = false;
    if (this.#isDestroyed) return;
    if (count === null) {
      this.readable = false;
      this.emit("end");
    } else {
      this.#hand(this.#buffer.take(count));
      this.#readOn();
    }
  };

  /** Gives bytes to TLS, which has taken them in when this returns: the buffer is free again. */
  #hand(bytes: Uint8Array): void {
    try {
      this.emit("data", bytes);
    } catch (cause) {
      this.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  readonly #onReadFailed = (error: Error): void => {
    this.#isReading = false;
    this.destroy(error);
  };

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
        for (let rest = next.bytes; rest.length > 0;) rest = rest.subarray(await this.#transport.write(rest));
        // TLS may have more to write, and says so here.
        if (!this.#isDestroyed) next.done();
      }
      this.#isWriting = false;
      this.#settleWritten();
    } catch (cause) {
      this.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  #settleWritten(error?: Error): void {
    const waiting = this.#whenWritten;
    if (waiting.length === 0) return;
    this.#whenWritten = [];
    for (const then of waiting) then(error);
  }
}
