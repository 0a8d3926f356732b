import { parseDuration } from "../base/units.ts";
import { toBytes } from "../base/bytes.ts";
import { ClosedEarlyError, FrameError, messageOf } from "../base/errors.ts";
import type { Codec, Decoder } from "../framing/codec.ts";
import { rawCodec } from "../framing/raw.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { lingeringClose } from "../net/lingering_close.ts";
import { nextTurn, type WaitOptions } from "../net/wait.ts";
import { ConnectionSession } from "./connection_session.ts";
import { type Framer, framerOf } from "./framer.ts";
import type { FinishOptions, Message, Session } from "./session.ts";

const NO_MORE = Promise.resolve(null);

/**
 * Messages that are given at once. One read can hold 262,144 empty lines: whoever sends such must not have the program
 * to himself until all are answered.
 */
const BATCH_MOST = 1_024;
/** How long one session may go on with what one read has brought before the others have a turn. */
const SLICE_MS = 10;

/** How long a client may take to end its side after ours. */
const LINGER_MS = 2_000;

/** How a session behaves. */
export interface StreamSessionOptions {
  /**
   * Whether the other side is told of a message that breaks the framing, as a
   * server does; otherwise `receive()` throws the error.
   *
   * @default {true}
   */
  answersBadMessages?: boolean;
}

/** A session over a stream of bytes, cut into messages by a codec. */
export class StreamSession extends ConnectionSession implements Session {
  readonly kind = "stream";
  readonly subprotocol = undefined;
  readonly framer: Framer;
  onBadMessage: Session["onBadMessage"];
  readonly #codec: Codec;
  readonly #decoder: Decoder;
  readonly #batch: Message[] = [];
  readonly #answersBadMessages: boolean;
  /** Thrown once the messages before the bad one have been taken. */
  #badMessage: FrameError | undefined;
  /** The last read may hold more messages than were given. */
  #hasMore = false;
  #sliceStartMs = 0;
  #isDraining = false;
  #isWaiting = false;

  /** Takes over the connection. */
  constructor(connection: Connection, codec: Codec, options: StreamSessionOptions = {}) {
    super(connection);
    this.#codec = codec;
    this.framer = framerOf(codec);
    this.#decoder = codec.decoder();
    this.#answersBadMessages = options.answersBadMessages ?? true;
  }

  get isWritable(): boolean {
    return this.connection.isWritable;
  }

  override receive(options?: WaitOptions): Promise<readonly Message[] | null> {
    this.#batch.length = 0;
    if (this.#badMessage !== undefined) return Promise.reject(this.#answered(this.#badMessage));
    if (this.#isDraining) return NO_MORE;
    if (this.#hasMore) return this.#receiveMore(options);
    if (this.connection.isReadEnded) return NO_MORE;
    if (options !== undefined) return this.#receiveWithin(options);
    this.#isWaiting = true;
    return this.connection.read().then(this.#onBytes);
  }

  send(data: Uint8Array | string): boolean {
    const bytes = toBytes(data);
    if (!this.connection.fits(this.pending.length + bytes.length)) return false;
    this.#encode(bytes);
    return true;
  }

  #encode(bytes: Uint8Array): void {
    this.#codec.encode(bytes, this.pending);
    this.onQueued();
  }

  write(data: Uint8Array | string): Promise<void> {
    if (this.#codec === rawCodec && this.pending.length === 0) {
      this.connection.messagesWritten++;
      return this.connection.write(data);
    }
    this.#encode(toBytes(data));
    return this.flush();
  }

  async closeWrite(): Promise<boolean> {
    this.sendPending();
    await this.connection.closeWrite();
    return true;
  }

  close(reason: CloseReason, error?: Error): void {
    this.connection.close(reason, error);
  }

  reset(): boolean {
    return this.connection.reset();
  }

  /**
   * Gives the connection up to another session. `false` if there is
   * something of this one left on it: an end, a message that is not complete,
   * or one that was not taken or has not left.
   */
  giveUp(): boolean {
    const { closeReason, isReadEnded } = this.connection;
    if (closeReason !== undefined || isReadEnded || this.#hasMore || this.queuedBytes > 0) return false;
    try {
      this.#decoder.end();
      return this.#decoder.next() === undefined;
    } catch (error) {
      if (error instanceof FrameError || error instanceof ClosedEarlyError) return false;
      throw error;
    }
  }

  drain(): void {
    this.#isDraining = true;
    if (!this.#isWaiting) return;
    // Between messages: the end of our side is all the client needs to know.
    this.sendPending();
    this.connection.closeWrite().catch((error: unknown) => {
      this.log.debug("the client closed the connection before the drain", { error: messageOf(error) });
    });
    // A client that does not end its side has had its time to read.
    const timer = setTimeout(() => this.connection.close("drain"), LINGER_MS);
    void this.connection.closed.then(() => clearTimeout(timer));
  }

  override async finish(
    reason: CloseReason = this.#isDraining ? "drain" : "done",
    { timeout = LINGER_MS }: FinishOptions = {},
  ): Promise<void> {
    this.sendPending();
    await lingeringClose(this.connection, { timeoutMs: parseDuration(timeout), reason });
  }

  readonly #onBytes = (bytes: Uint8Array | null): readonly Message[] | null | Promise<readonly Message[] | null> => {
    this.#isWaiting = false;
    return this.#isDraining || this.#isClosedHere(bytes) ? null : this.#take(bytes) ?? this.receive();
  };

  /** No bytes and no end of the peer: the connection was closed on our side. */
  #isClosedHere(bytes: Uint8Array | null): boolean {
    return bytes === null && !this.connection.isReadEnded;
  }

  /** The next messages of the same read, once everybody else has had a turn where one is due. */
  async #receiveMore(options: WaitOptions | undefined): Promise<readonly Message[] | null> {
    if (performance.now() - this.#sliceStartMs > SLICE_MS) {
      await nextTurn();
      this.#sliceStartMs = performance.now();
    }
    if (this.#isDraining) return null;
    // Closed meanwhile: a read says how, and what was read before is of no use any more.
    if (this.connection.closeReason !== undefined) return await this.connection.read().then(this.#onBytes);
    return this.#decoded() ?? await this.receive(options);
  }

  /** The deadline is for a whole message, not for each piece of one. */
  async #receiveWithin({ signal, timeout }: WaitOptions): Promise<readonly Message[] | null> {
    const endMs = timeout === undefined ? undefined : performance.now() + parseDuration(timeout);
    while (!this.#isDraining && !this.connection.isReadEnded) {
      const leftMs = endMs === undefined ? undefined : Math.max(0, endMs - performance.now());
      this.#isWaiting = true;
      const bytes = await this.connection.read({ signal, timeout: leftMs }).finally(() => this.#isWaiting = false);
      if (this.#isClosedHere(bytes)) return null;
      const batch = this.#take(bytes);
      if (batch !== undefined) return batch;
    }
    return null;
  }

  /** The messages that the bytes complete, or `undefined` if they complete none. */
  #take(bytes: Uint8Array | null): readonly Message[] | undefined {
    if (bytes === null) this.#decoder.end();
    else this.#decoder.push(bytes);
    return this.#decoded();
  }

  #decoded(): readonly Message[] | undefined {
    this.#hasMore = false;
    this.#decodeInto(this.#batch);
    this.connection.messagesRead += this.#batch.length;
    return this.#batch.length > 0 ? this.#batch : undefined;
  }

  #decodeInto(batch: Message[]): void {
    try {
      for (let found = this.#decoder.next(); found !== undefined; found = this.#decoder.next()) {
        if (found instanceof FrameError) {
          if (!this.#answersBadMessages) throw found;
          this.log.warning("bad message", { error: found.message });
          this.#answered(found);
        } else if (batch.push({ data: found, isText: false }) === BATCH_MOST) {
          this.#hasMore = true;
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      // What came before it is served first, as if it had come in a read of its own.
      if (batch.length === 0) throw this.#answered(error);
      this.#badMessage = error;
    }
  }

  /** The error, once the other side has been sent it: by the service, or where messages are lines, which are not taken for data. */
  #answered(error: FrameError): FrameError {
    if (!this.#answersBadMessages) return error;
    if (this.onBadMessage !== undefined) this.onBadMessage(error);
    else if (this.#codec.name === "line") this.send(`! ${error.message}`);
    return error;
  }
}
