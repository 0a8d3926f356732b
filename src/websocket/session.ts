import { parseDuration } from "../base/units.ts";
import { NO_BYTES, toBytes } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import { ClosedEarlyError, TimeoutError } from "../base/errors.ts";
import type { Identity } from "../guard/authenticator.ts";
import type { HttpRequestHead } from "../http/head.ts";
import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { lingeringClose } from "../net/lingering_close.ts";
import { sharedWait } from "../net/deadline.ts";
import { startTimer, type WaitOptions } from "../net/wait.ts";
import { ConnectionSession } from "../session/connection_session.ts";
import type { Framer } from "../session/framer.ts";
import type { FinishOptions, Message, Session } from "../session/session.ts";
import { CLOSE_CODE, closeCodeOf, type CloseFrame } from "../session/close_code.ts";
import { OPCODE, type Opcode, type WebSocketCodec } from "./codec.ts";
import { WebSocketDecoder } from "./decoder.ts";
import { encodeClose } from "./close_frame.ts";
import { Pinger, type PingOptions } from "./pinger.ts";

/** Time limit for the peer's Close frame, and for the end of its stream. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Reserved outbox space for control frames, so that a full outbox does not block a Pong or a Close. */
const CONTROL_RESERVE_BYTES = 64 * 1_024;

const NO_MORE = Promise.resolve(null);

/** Options of {@linkcode WebSocketSession}. */
interface WebSocketSessionInit {
  /** Reads and writes this side's frames. */
  readonly codec: WebSocketCodec;
  /** Results of the opening handshake. */
  readonly subprotocol?: string | undefined;
  /** The client's request. */
  readonly request?: HttpRequestHead | undefined;
  /** Close code and reason of this side, instead of 1000. */
  readonly ownClose?: CloseFrame | undefined;
  /** For clients: the caller answers the peer's Close frame, after sending remaining data. */
  readonly answersCloseLate?: boolean | undefined;
  /** Called for each pong with the round-trip time. */
  readonly onRoundTrip?: ((ms: number) => void) | undefined;
  /** The identity authenticated by the request. */
  readonly identity?: Identity | undefined;
  /**
   * Maximum bytes of a message over all fragments.
   *
   * @default {65536}
   */
  readonly maxMessageBytes?: number | undefined;
  /** Ping settings; without them no pings are sent. */
  readonly pings?: PingOptions | undefined;
  /** Bytes received after the handshake response. */
  readonly early?: Uint8Array | undefined;
}

/**
 * A session of WebSocket messages (RFC 6455) after the opening handshake. It answers pings and exchanges Close frames,
 * so a service sees only messages and the end.
 */
export class WebSocketSession extends ConnectionSession implements Session {
  readonly kind = "websocket";
  readonly subprotocol: string | undefined;
  readonly request: HttpRequestHead | undefined;
  readonly identity: Identity | undefined;
  readonly framer: Framer;
  readonly #codec: WebSocketCodec;
  readonly #decoder: WebSocketDecoder;
  readonly #pinger: Pinger | undefined;
  readonly #init: Pick<WebSocketSessionInit, "ownClose" | "answersCloseLate" | "onRoundTrip">;
  #pingedMs: number | undefined;
  readonly #batch: Message[] = [];
  #early: Uint8Array;
  #closeFrame: CloseFrame | undefined;
  /** The pending read of a `receive()`. */
  #receiving: Promise<unknown> | undefined;
  #closeTimer: Disposable | undefined;
  #isCloseSent = false;
  #receivesLate = false;
  #isDraining = false;

  /** Takes ownership of the connection. */
  constructor(connection: Connection, init: WebSocketSessionInit) {
    super(connection);
    this.#codec = init.codec;
    this.#init = init;
    this.framer = init.codec.framer;
    this.subprotocol = init.subprotocol;
    this.request = init.request;
    this.identity = init.identity;
    this.#early = init.early ?? NO_BYTES;
    this.#decoder = new WebSocketDecoder(init.codec, init.maxMessageBytes ?? DEFAULTS.webSocketMessageBytes, {
      message: (message) => void this.#batch.push(message),
      ping: (data) => this.#sendControl(OPCODE.pong, data),
      pong: () => this.#onPong(),
      close: (frame) => this.#closeFrame = frame,
    }, this.#isClient ? formatEndpoint(this.remote) : undefined);
    this.#pinger = init.pings && this.#makePinger(init.pings);
  }

  get isWritable(): boolean {
    return !this.#isCloseSent && this.connection.isWritable;
  }

  /** The peer's Close frame, once received. */
  get closeFrame(): CloseFrame | undefined {
    return this.#closeFrame;
  }

  override receive(options?: WaitOptions): Promise<readonly Message[] | null> {
    this.#batch.length = 0;
    if (this.unread !== undefined && this.closeReason === undefined) return this.takeUnread();
    if (this.#decoder.failure !== undefined) return Promise.reject(this.#decoder.failure);
    if (this.#isDraining || this.#isPeerDone) return NO_MORE;
    if (this.#early.length > 0) return this.#receiveEarly(options);
    if (options !== undefined) return this.#track(this.#receiveWithin(options));
    return this.#track(this.connection.readThen(this.#onBytes));
  }

  send(data: Uint8Array | string, isText = typeof data === "string"): boolean {
    const bytes = toBytes(data);
    if (this.#isCloseSent || !this.connection.fits(this.pending.length + bytes.length)) return false;
    this.#codec.append(isText ? OPCODE.text : OPCODE.binary, bytes, this.pending);
    this.onQueued();
    return true;
  }

  override sendFramed(bytes: Uint8Array): boolean {
    return !this.#isCloseSent && super.sendFramed(bytes);
  }

  write(data: Uint8Array | string, isText = typeof data === "string"): Promise<void> {
    // A draining server has sent its Close frame; later writes are dropped, like send().
    if (this.#isCloseSent) return this.#isClient ? Promise.reject(this.#closedError()) : this.flush();
    this.#codec.append(isText ? OPCODE.text : OPCODE.binary, toBytes(data), this.pending);
    this.connection.messagesWritten++;
    return this.flush();
  }

  closeWrite(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(reason: CloseReason, error?: Error): void {
    this.#release();
    // Without a Close frame the peer reports an abnormal closure (1006), so it is sent if the socket accepts it
    // immediately.
    if (this.#isClient && !this.#isCloseSent && this.closeReason === undefined) {
      this.#isCloseSent = true;
      this.#codec.append(OPCODE.close, this.#closePayload(reason), this.pending);
      this.connection.sendLast(this.pending.take());
    }
    this.connection.close(reason, error);
  }

  reset(): boolean {
    this.#release();
    return this.connection.reset();
  }

  drain(): void {
    this.#isDraining = true;
    // A pending receive() continues, to read the peer's Close frame.
    if (this.#receiving !== undefined) this.#sendClose("drain");
  }

  override async finish(
    reason: CloseReason = this.#isDraining ? "drain" : "done",
    { timeout = CLOSE_TIMEOUT_MS, closeFrame }: FinishOptions = {},
  ): Promise<void> {
    if (this.connection.closeReason !== undefined) return this.#release();
    this.#sendClose(reason, closeFrame && encodeClose(closeFrame.code, closeFrame.text));
    const timeoutMs = parseDuration(timeout);
    this.#limitClosing(reason, timeoutMs);
    try {
      while (!this.#isPeerDone && this.#decoder.failure === undefined) await (this.#receiving ?? this.#readOn());
      // The server closes the stream first (section 7.1.1), so that TIME_WAIT is not at the client.
      if (this.#isClient) { while (await this.connection.read() !== null); }
    } catch (error) {
      this.log.debug("the peer closed the connection before the closing handshake ended", { error: String(error) });
    }
    this.#release();
    await lingeringClose(this.connection, { timeoutMs, reason });
  }

  /**
   * Sends a Close frame and continues to receive: the peer may send remaining data before its Close frame (RFC 6455,
   * section 5.5.1).
   */
  sendClose({ code, text }: CloseFrame): void {
    this.#receivesLate = true;
    this.#sendClose("done", code === CLOSE_CODE.none ? NO_BYTES : encodeClose(code, text));
  }

  get #isClient(): boolean {
    return this.#codec.role === "client";
  }

  get #isPeerDone(): boolean {
    return this.#closeFrame !== undefined || this.connection.isReadEnded || this.connection.closeReason !== undefined;
  }

  #track<T>(reading: Promise<T>): Promise<T> {
    this.#receiving = reading;
    return reading;
  }

  async #receiveEarly(options: WaitOptions | undefined): Promise<readonly Message[] | null> {
    const early = this.#early;
    this.#early = NO_BYTES;
    return this.#take(early) ?? await this.receive(options);
  }

  readonly #onBytes = (bytes: Uint8Array | null): readonly Message[] | null | Promise<readonly Message[] | null> => {
    this.#receiving = undefined;
    const batch = this.#take(bytes);
    return batch === undefined ? this.#track(this.connection.readThen(this.#onBytes)) : batch;
  };

  /** The deadline covers a whole message, not each read. */
  async #receiveWithin(options: WaitOptions): Promise<readonly Message[] | null> {
    const wait = sharedWait(options);
    try {
      for (;;) {
        const batch = this.#take(await this.connection.read(wait()));
        if (batch !== undefined) return batch;
      }
    } finally {
      this.#receiving = undefined;
    }
  }

  /** The messages that the bytes complete; `undefined` if none is complete; `null` at the end. */
  #take(bytes: Uint8Array | null): readonly Message[] | null | undefined {
    if (bytes === null) return this.#endOfStream();
    const isTooLate = this.#isCloseSent && !this.#receivesLate;
    this.#decoder.push(bytes);
    // A server may still send data; a client answers immediately (section 5.5.1).
    if (this.#closeFrame !== undefined && this.#isClient && !this.#init.answersCloseLate) {
      this.#sendClose("peer closed");
    }
    if (isTooLate) this.#batch.length = 0;
    this.connection.messagesRead += this.#batch.length;
    if (this.#batch.length > 0) return this.#batch;
    if (this.#decoder.failure !== undefined) throw this.#decoder.failure;
    return this.#closeFrame === undefined ? undefined : null;
  }

  /** For a server, a client that closes without a Close frame is harmless; a client may miss its reply. */
  #endOfStream(): null {
    const wasCut = this.connection.isReadEnded && !this.#isCloseSent;
    if (!this.#isClient || !wasCut) return null;
    const endpoint = formatEndpoint(this.remote);
    throw new ClosedEarlyError(`${endpoint} ended the stream without a Close frame`, { endpoint });
  }

  /** Reads until the peer's Close frame; messages before it are dropped. */
  async #readOn(): Promise<void> {
    const bytes = await this.connection.read();
    if (bytes !== null) this.#decoder.push(bytes);
    this.#batch.length = 0;
  }

  #sendClose(reason: CloseReason, payload: Uint8Array = this.#closePayload(reason)): void {
    if (this.#isCloseSent) return;
    this.sendPending();
    this.#sendControl(OPCODE.close, payload);
    this.sendPending();
    this.#isCloseSent = true;
    this.#limitClosing(reason, CLOSE_TIMEOUT_MS);
  }

  #limitClosing(reason: CloseReason, timeoutMs: number): void {
    this.#closeTimer?.[Symbol.dispose]();
    this.#closeTimer = startTimer(timeoutMs, () => this.connection.close(reason));
  }

  #closedError(): ClosedEarlyError {
    const endpoint = formatEndpoint(this.remote);
    const whose = this.#closeFrame === undefined ? "this side" : endpoint;
    return new ClosedEarlyError(`Cannot write to ${endpoint}: ${whose} has closed the WebSocket`, { endpoint });
  }

  /** A response repeats the received code (section 5.5.1). */
  #closePayload(reason: CloseReason): Uint8Array {
    if (this.#decoder.failure !== undefined) {
      return encodeClose(this.#decoder.failure.code, this.#decoder.failure.rule);
    }
    if (this.#closeFrame?.code === CLOSE_CODE.none) return NO_BYTES;
    const { ownClose } = this.#init;
    if (this.#closeFrame === undefined && ownClose !== undefined && reason === "done") {
      return encodeClose(ownClose.code, ownClose.text);
    }
    return encodeClose(this.#closeFrame?.code ?? closeCodeOf(reason), "");
  }

  #sendControl(opcode: Opcode, data: Uint8Array): void {
    if (this.#isCloseSent) return;
    // Limits the pongs queued for a peer that sends pings but does not read.
    if (this.queuedBytes > this.connection.outboxBytes + CONTROL_RESERVE_BYTES) return this.close("slow consumer");
    this.#codec.append(opcode, data, this.pending);
    this.sendSoon();
  }

  #onPong(): void {
    this.#pinger?.answered();
    if (this.#pingedMs === undefined) return;
    this.#init.onRoundTrip?.(performance.now() - this.#pingedMs);
    this.#pingedMs = undefined;
  }

  #makePinger(options: PingOptions): Pinger {
    return new Pinger({
      isClosed: () => this.closeReason !== undefined,
      isReading: () => this.#receiving !== undefined,
      ping: () => {
        this.#pingedMs = performance.now();
        this.#sendControl(OPCODE.ping, NO_BYTES);
      },
      onSilence: () => {
        const endpoint = formatEndpoint(this.remote);
        this.close("ping timeout", new TimeoutError("idle", `${endpoint} did not answer a ping`, { endpoint }));
      },
    }, options);
  }

  #release(): void {
    this.#closeTimer?.[Symbol.dispose]();
    this.#pinger?.[Symbol.dispose]();
  }
}
