import { concat } from "../../../base/bytes.ts";
import { ClosedEarlyError, FrameError, ResetError, TimeoutError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/units.ts";
import type { ProgramIo } from "../../../cli/io.ts";
import { formatEndpoint } from "../../../net/endpoint.ts";
import { reasonOf } from "../../../base/system_error.ts";
import { abortable } from "../../../net/wait.ts";
import type { Message, Session } from "../../../session/session.ts";
import { abnormalClose } from "../../../websocket/close_frame.ts";
import { notEncodable } from "../../../script/encodable.ts";
import type { InputSplitter, Outgoing } from "./input.ts";
import { idleTimeout, type Missing, ProgressWatch } from "./progress_watch.ts";

/** Options for joining standard input and output to a session. */
export interface PipeOptions {
  /** Splits standard input into messages. */
  readonly splitter: InputSplitter;
  /** Formats a message for output. */
  readonly render: (message: Message) => Uint8Array;
  /** Time limit for the peer's end after the last byte, once standard input has ended, in milliseconds. */
  readonly waitReplyMs: number;
  /** Time limit for more input or its end once the peer has ended, in milliseconds. */
  readonly waitInputMs: number;
  /**
   * Maximum time without data in either direction, in milliseconds.
   *
   * @default {Infinity}
   */
  readonly idleMs?: number | undefined;
  /**
   * Reads no input and keeps this side open until the peer ends: some peers send nothing more after a half-close.
   *
   * @default {false}
   */
  readonly isReceiveOnly?: boolean | undefined;
  /**
   * Whether input that is unread when the peer ends remains for another session.
   *
   * @default {false}
   */
  readonly isInputKept?: boolean | undefined;
  /** For servers: a WebSocket waits for its client while there was no input, and needs no reply. */
  readonly isServer?: boolean;
  /** See `WatchOptions`. */
  readonly stallMs: number;
  /**
   * The session uses a proxy: many proxies close the connection when either side ends, and lose the reply. So this side
   * stays open until nothing was received for `waitReplyMs`, and is then ended only if there was no reply.
   */
  readonly isProxied?: boolean | undefined;
  /**
   * Never ends this side before the peer's end: some peers drop the reply at a half-close. Silence after a reply ends
   * it, as over WebSocket.
   *
   * @default {false}
   */
  readonly isHalfCloseOff?: boolean | undefined;
  /** Called for every sent or received message. */
  readonly onSent?: ((message: Outgoing) => void) | undefined;
  readonly onReceived?: ((message: Message) => void) | undefined;
  /** Called with the side that has ended. */
  readonly onEnd?: ((side: "own" | "peer") => void) | undefined;
  /** Aborts with its reason. */
  readonly signal: AbortSignal;
}

const INPUT_BYTES = 64 * 1024;

/**
 * Sends standard input and prints received data concurrently, with backpressure in both directions. The end of input
 * half-closes the connection if possible and waits for the peer's end, so that no reply is lost. After the peer's end
 * it waits for the end of input, so that unsent input is reported.
 *
 * @throws {TimeoutError} The peer did not end, or did not read, in time.
 * @throws {ResetError} The peer reset the connection, or closed the connection before all input was sent.
 * @throws {UsageError} The framing cannot encode the input.
 */
export async function pipe(session: Session, io: ProgramIo, options: PipeOptions): Promise<void> {
  await new Pipe(session, io, options).run();
}

class Pipe {
  readonly #session: Session;
  readonly #io: ProgramIo;
  readonly #options: PipeOptions;
  readonly #expired = Promise.withResolvers<Missing>();
  readonly #watch: ProgressWatch;
  /** Whether data was received after the last sent message. */
  #isAnswered = false;
  #hasSent = false;

  constructor(session: Session, io: ProgramIo, options: PipeOptions) {
    this.#session = session;
    this.#io = io;
    const { idleMs = Infinity, stallMs } = options;
    const waitReplyMs = Math.min(options.waitReplyMs, idleMs);
    const waitInputMs = Math.min(options.waitInputMs, idleMs);
    this.#options = { ...options, waitReplyMs };
    this.#watch = new ProgressWatch({
      waitMs: { end: waitReplyMs, input: waitInputMs, idle: idleMs },
      stallMs,
      queuedBytes: () => session.queuedBytes,
      onExpired: this.#expired.resolve,
    });
  }

  async run(): Promise<void> {
    using _watch = this.#watch;
    const work = this.#join();
    // Otherwise a failure after a timeout would be an unhandled rejection.
    work.catch(() => {});
    const { signal } = this.#options;
    const missing = await abortable(Promise.race([work, this.#expired.promise]), { signal });
    if (missing === undefined || missing === "input") return;
    // WebSocket has no half-close, so a reply ends with silence.
    if (missing === "end" && this.#session.kind === "websocket" && (this.#isAnswered || this.#options.isServer)) {
      return await this.#session.finish();
    }
    if (missing === "end" && this.#keepsSideOpen) {
      if (this.#isAnswered) return this.#session.close("done");
      if (this.#options.isProxied) return await this.#endSide(work);
    }
    throw this.#timeout(missing);
  }

  get #keepsSideOpen(): boolean {
    const { isProxied = false, isHalfCloseOff = false } = this.#options;
    return (isProxied || isHalfCloseOff) && this.#session.kind === "stream";
  }

  /** Without a reply, the server may be waiting for this side's end. */
  async #endSide(work: Promise<void>): Promise<void> {
    await this.#naming(() => this.#session.closeWrite());
    const { signal, waitReplyMs } = this.#options;
    await abortable(work, { signal, timeout: waitReplyMs }, () => this.#timeout("end"));
    if (this.#isAnswered) return;
    const message = `${this.#peer} sent no reply, or the proxy lost it at the half-close`;
    throw new ClosedEarlyError(message, { endpoint: this.#peer });
  }

  async #join(): Promise<void> {
    const { isReceiveOnly = false, isInputKept = false } = this.#options;
    const sending = isReceiveOnly ? new Promise<never>(() => {}) : this.#sendInput();
    const receiving = this.#printReplies();
    const first = await Promise.race([
      sending.then(() => undefined, (error: unknown) => ({ error })),
      receiving.then(() => undefined, () => undefined),
    ]);
    // A peer that has closed may have sent the reason, which takes precedence. Any other error comes from the input.
    if (first && !(first.error instanceof ResetError)) throw first.error;
    await receiving;
    this.#session.log.debug("the peer has ended");
    this.#options.onEnd?.("peer");
    const abnormal = abnormalClose(this.#session);
    if (abnormal !== undefined) throw abnormal;
    if (isReceiveOnly || isInputKept && !first && !this.#watch.isSending) return;
    if (this.#watch.awaited === undefined) this.#watch.await("input");
    // On a terminal the user sees the end.
    if (!this.#io.stdin.isTerminal) await sending;
  }

  async #sendInput(): Promise<void> {
    const { splitter } = this.#options;
    const buffer = new Uint8Array(INPUT_BYTES);
    for (;;) {
      const count = await this.#io.stdin.read(buffer);
      await this.#send(count === null ? splitter.end() : splitter.push(buffer.subarray(0, count)));
      if (count === null) break;
    }
    this.#options.onEnd?.("own");
    const isHalfClosed = !this.#keepsSideOpen && await this.#naming(() => this.#session.closeWrite());
    if (!isHalfClosed && this.#options.isServer && !this.#hasSent) return;
    if (this.#watch.awaited === undefined) this.#watch.await("end");
  }

  async #send(messages: readonly Outgoing[]): Promise<void> {
    if (messages.length === 0) return;
    this.#watch.touch();
    this.#watch.isSending = true;
    try {
      const only = messages.length === 1 ? messages[0] : undefined;
      for (const message of messages) {
        this.#options.onSent?.(message);
        this.#isAnswered = false;
        this.#hasSent = true;
        if (only || !this.#session.send(message.data, message.isText)) {
          await this.#naming(() => this.#session.write(message.data, message.isText));
        }
      }
      if (!only) await this.#naming(() => this.#session.flush());
    } catch (error) {
      throw error instanceof FrameError ? notEncodable(error) : error;
    } finally {
      this.#watch.isSending = false;
      this.#watch.touch();
    }
  }

  async #naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ResetError || error instanceof ClosedEarlyError)) throw error;
      const message = `${this.#peer} closed the connection before all input was sent (${
        reasonOf(error.cause ?? error)
      })`;
      throw new ResetError(message, { endpoint: this.#peer, cause: error });
    }
  }

  async #printReplies(): Promise<void> {
    for (let batch = await this.#session.receive(); batch; batch = await this.#session.receive()) {
      for (const message of batch) this.#options.onReceived?.(message);
      this.#isAnswered = true;
      this.#watch.isOutputBlocked = true;
      await this.#io.stdout.writeAsync(concat(batch.map(this.#options.render)));
      this.#watch.isOutputBlocked = false;
      this.#watch.touch();
    }
  }

  get #peer(): string {
    return formatEndpoint(this.#session.remote);
  }

  #timeout(missing: "end" | "reading" | "idle"): Error {
    const { waitReplyMs, stallMs, idleMs = Infinity } = this.#options;
    if (missing === "idle") return idleTimeout(this.#session.remote, idleMs);
    if (missing === "reading") {
      const message = `${this.#peer} did not accept any data for ${formatDuration(stallMs)}`;
      return new TimeoutError("write", message, { endpoint: this.#peer });
    }
    const within = formatDuration(waitReplyMs);
    const message = this.#session.kind === "websocket"
      ? `${this.#peer} sent no reply within ${within}`
      : `${this.#peer} did not close the connection within ${within} of the last byte`;
    return new TimeoutError("reply", message, { endpoint: this.#peer });
  }
}
