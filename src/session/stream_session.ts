import { parseDuration } from "../base/units.ts";
import { NO_BYTES, toBytes } from "../base/bytes.ts";
import { ClosedEarlyError, FrameError, messageOf } from "../base/errors.ts";
import { type Codec, type Decoder, encodeMessage } from "../framing/codec.ts";
import { rawCodec } from "../framing/raw.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { lingeringClose } from "../net/lingering_close.ts";
import { sharedWait } from "../net/deadline.ts";
import { nextTurn, type WaitOptions } from "../net/wait.ts";
import { ConnectionSession } from "./connection_session.ts";
import { type Framer, framerOf } from "./framer.ts";
import type { FinishOptions, Message, Session } from "./session.ts";

const NO_MORE = Promise.resolve(null);

/**
 * Maximum messages delivered at once. One read can hold 262,144 empty lines, which must not block other sessions until
 * all are processed.
 */
const MAX_BATCH = 1_024;
/** How long one session may process a single read before others get a turn. */
const SLICE_MS = 10;

/** Time limit for the peer to end its side after this one. */
const LINGER_MS = 2_000;

/** Options of {@linkcode StreamSession}. */
export interface StreamSessionOptions {
  /**
   * Whether framing errors are reported to the peer, as by a server; otherwise `receive()` throws them.
   *
   * @default {true}
   */
  answersBadMessages?: boolean;
}

/** A session over a byte stream, split into messages by a codec. */
export class StreamSession extends ConnectionSession implements Session {
  readonly kind = "stream";
  readonly subprotocol = undefined;
  readonly framer: Framer;
  onBadMessage: Session["onBadMessage"];
  readonly #codec: Codec;
  readonly #decoder: Decoder;
  /** The first message of every batch: a read usually completes one. */
  readonly #first: { data: Uint8Array; readonly isText: false } = { data: NO_BYTES, isText: false };
  /** Keeps the first message between reads: V8 would allocate new space for the next message of an emptied list. */
  readonly #batch: Message[] = [this.#first];
  /** Messages in the batch; 0 between reads. */
  #batchSize = 0;
  readonly #answersBadMessages: boolean;
  /** Thrown once the messages before the bad one have been taken. */
  #badMessage: FrameError | undefined;
  /** Whether the last read may contain more messages. */
  #hasMore = false;
  #sliceStartMs = 0;
  #isDraining = false;
  #isWaiting = false;

  /** Takes ownership of the connection. */
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
    this.#clearBatch();
    if (this.unread !== undefined && this.closeReason === undefined) return this.takeUnread();
    if (this.#badMessage !== undefined) return Promise.reject(this.#answered(this.#badMessage));
    if (this.#isDraining) return NO_MORE;
    if (this.#hasMore) return this.#receiveMore(options);
    if (this.connection.isReadEnded) return NO_MORE;
    if (options !== undefined) return this.#receiveWithin(options);
    this.#isWaiting = true;
    return this.connection.readThen(this.#onBytes);
  }

  send(data: Uint8Array | string): boolean {
    // A UTF-16 unit takes three bytes at most; only where that may be too much are they counted.
    const isSmall = typeof data === "string" && this.connection.fits(this.pending.length + 3 * data.length);
    const message = isSmall ? data : toBytes(data);
    if (!isSmall && !this.connection.fits(this.pending.length + message.length)) return false;
    this.#encode(message);
    return true;
  }

  sendBack(batch: readonly Message[]): boolean {
    if (this.#codec.encodeDecoded === undefined) return false;
    let bytes = 0;
    for (const { data } of batch) bytes += data.length + 1;
    if (!this.connection.fits(this.pending.length + bytes)) return false;
    this.#codec.encodeDecoded(batch, this.pending);
    this.connection.messagesWritten += batch.length - 1;
    // Views that live on until the next read cost more to collect.
    this.#clearBatch();
    this.#batch.length = 0;
    this.onQueued();
    return true;
  }

  #encode(message: Uint8Array | string): void {
    encodeMessage(this.#codec, message, this.pending);
    this.onQueued();
  }

  write(data: Uint8Array | string): Promise<void> {
    if (this.#codec === rawCodec && this.pending.length === 0) {
      this.connection.messagesWritten++;
      return this.connection.write(data);
    }
    this.#encode(data);
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
   * Releases the connection to another session. `false` if this one has unfinished state: an end, an incomplete
   * message, or a message not delivered or not sent yet.
   */
  giveUp(): boolean {
    const { closeReason, isReadEnded } = this.connection;
    const isUnread = this.#hasMore || this.unread !== undefined;
    if (closeReason !== undefined || isReadEnded || isUnread || this.queuedBytes > 0) return false;
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
    // Between messages, ending this side of the stream is enough.
    this.sendPending();
    this.connection.closeWrite().catch((error: unknown) => {
      this.log.debug("the client closed the connection before the drain", { error: messageOf(error) });
    });
    // The client has had enough time to read.
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

  /** Neither data nor the peer's end: this side has closed the connection. */
  #isClosedHere(bytes: Uint8Array | null): boolean {
    return bytes === null && !this.connection.isReadEnded;
  }

  /** The next messages of the same read, after other sessions have had a turn if due. */
  async #receiveMore(options: WaitOptions | undefined): Promise<readonly Message[] | null> {
    if (performance.now() - this.#sliceStartMs > SLICE_MS) {
      await nextTurn();
      this.#sliceStartMs = performance.now();
    }
    if (this.#isDraining) return null;
    // Closed meanwhile: a read reports the reason, and buffered data is no longer needed.
    if (this.connection.closeReason !== undefined) return await this.connection.read().then(this.#onBytes);
    return this.#decoded() ?? await this.receive(options);
  }

  /** The deadline covers a whole message, not each read. */
  async #receiveWithin(options: WaitOptions): Promise<readonly Message[] | null> {
    const wait = sharedWait(options);
    while (!this.#isDraining && !this.connection.isReadEnded) {
      this.#isWaiting = true;
      const bytes = await this.connection.read(wait()).finally(() => this.#isWaiting = false);
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
    this.#decode();
    this.connection.messagesRead += this.#batchSize;
    return this.#batchSize > 0 ? this.#batch : undefined;
  }

  #clearBatch(): void {
    if (this.#batchSize === 0) return;
    if (this.#batchSize > 1) this.#batch.length = 1;
    this.#first.data = NO_BYTES;
    this.#batchSize = 0;
  }

  #decode(): void {
    try {
      for (let found = this.#decoder.next(); found !== undefined; found = this.#decoder.next()) {
        if (found instanceof FrameError) {
          if (!this.#answersBadMessages) throw found;
          this.log.warning("bad message", { error: found.message });
          this.#answered(found);
        } else if (this.#batchSize === 0) {
          this.#first.data = found;
          this.#batch[0] = this.#first;
          this.#batchSize = 1;
        } else if ((this.#batchSize = this.#batch.push({ data: found, isText: false })) === MAX_BATCH) {
          this.#hasMore = true;
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      // Earlier messages are delivered first, as if they had been read separately.
      if (this.#batchSize === 0) throw this.#answered(error);
      this.#badMessage = error;
    }
  }

  /** Returns the error after reporting it to the peer: through the service, or as a line in a line-based framing. */
  #answered(error: FrameError): FrameError {
    if (!this.#answersBadMessages) return error;
    if (this.onBadMessage !== undefined) this.onBadMessage(error);
    else if (this.#codec.name === "line") this.send(`! ${error.message}`);
    return error;
  }
}
