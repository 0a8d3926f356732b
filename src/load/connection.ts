import { preview } from "../base/bytes.ts";
import { ClosedEarlyError, LimitError, messageOf, ParleyError } from "../base/errors.ts";
import type { Connection } from "../net/connection.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import type { Message, Session } from "../session/session.ts";
import { closeFrameText, leave } from "../websocket/close_frame.ts";

/** One connection under load: sends messages and receives their echoes, in units of type `R`. */
export interface LoadConnection<R = unknown> {
  /** Sends `count` messages; the promise, if any, settles when more may be sent. */
  send(count: number): Promise<void> | undefined;
  /** Waits for the next input of {@linkcode answersIn}, which is separate to save a promise per message. */
  receive(): Promise<R>;
  /**
   * Counts the answers that the input completes.
   *
   * @throws {WrongAnswerError} The input differs from the data that was sent.
   * @throws {ClosedEarlyError} The server closed the connection.
   */
  answersIn(received: R): number;
  /** Closes it, over WebSocket with the closing handshake; with an error at once, and `receive()` throws that error. */
  close(error?: Error): void | Promise<void>;
}

/** The server's answer is not the echo of the message. */
export class WrongAnswerError extends ParleyError {
  override name = "WrongAnswerError";
}

function wrongAnswer({ remote }: { readonly remote: Endpoint }, what: string): WrongAnswerError {
  const endpoint = formatEndpoint(remote);
  return new WrongAnswerError(`${endpoint} did not echo the message: ${what}`, { endpoint });
}

/** The server is slower than the requested load. */
function outboxFull(remote: Endpoint): LimitError {
  const endpoint = formatEndpoint(remote);
  return new LimitError(`${endpoint} reads too slowly: the outbox is full`, { endpoint });
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/**
 * A message of letters and digits that differs between connections and at every offset, so that a shifted answer, or
 * one of another connection, is detected.
 */
export function buildPayload(size: number, connection: number): Uint8Array {
  const message = new Uint8Array(size);
  for (let index = 0; index < Math.min(size, LETTERS.length); index++) {
    message[index] = LETTERS.charCodeAt((connection * 7 + index) % LETTERS.length);
  }
  // The rest repeats the beginning, by doubling it, so that large messages are built at the speed of a copy.
  for (let filled = LETTERS.length; filled < size; filled *= 2) message.copyWithin(filled, 0, filled);
  return message;
}

/** Any socket accepts this much although the other end does not read. */
const SAFE_BYTES = 16 * 1024;
/** Answers up to this length are compared completely, longer ones at both ends. */
const COMPARED_BYTES = 1024;
/** Up to this size, the answers to a whole batch are compared at once. */
const WHOLE_BATCH_BYTES = 4096;

/**
 * A connection over a stream of bytes. The echo of a framed message has the same bytes as the message, so the hot loop
 * needs no decoder.
 */
export class ByteConnection implements LoadConnection<Uint8Array | null> {
  readonly #connection: Connection;
  readonly #message: Uint8Array;
  readonly #whole: WholeMatch;
  /** Number of answers in {@linkcode #whole}. */
  readonly #wholeCount: number;
  readonly #batch: Uint8Array;
  readonly #mayWait: boolean;
  /** Bytes that have not been echoed yet. */
  #due = 0;
  /** Offset of the next byte in the message. */
  #at = 0;

  /** `message` includes its framing; up to `depth` of them are sent at once. */
  constructor(connection: Connection, message: Uint8Array, depth: number) {
    this.#connection = connection;
    this.#message = message;
    this.#batch = new Uint8Array(message.length * depth);
    for (let index = 0; index < depth; index++) this.#batch.set(message, index * message.length);
    this.#wholeCount = this.#batch.length <= WHOLE_BATCH_BYTES ? depth : 1;
    this.#whole = new WholeMatch(this.#batch.subarray(0, this.#wholeCount * message.length));
    this.#mayWait = this.#batch.length <= SAFE_BYTES;
  }

  send(count: number): Promise<void> | undefined {
    const length = count * this.#message.length;
    this.#due += length;
    if (length === this.#batch.length && this.#mayWait) return this.#connection.write(this.#batch);
    if (length < this.#batch.length && this.#mayWait) return this.#connection.write(this.#batch.subarray(0, length));
    // Waiting for the server to read it all, without reading its answers, could deadlock.
    for (let rest = length; rest > 0; rest -= this.#batch.length) {
      if (!this.#connection.send(this.#batch.subarray(0, Math.min(rest, this.#batch.length)))) {
        this.close(outboxFull(this.#connection.remote));
        break;
      }
    }
    return undefined;
  }

  receive(): Promise<Uint8Array | null> {
    return this.#connection.read();
  }

  answersIn(bytes: Uint8Array | null): number {
    if (bytes === null) throw this.#endedEarly();
    this.#due -= bytes.length;
    if (this.#due < 0) throw wrongAnswer(this.#connection, `${-this.#due} more bytes than were sent`);
    const at = this.#at;
    if (at === 0 && this.#whole.matches(bytes)) return this.#wholeCount;
    if (bytes.length <= COMPARED_BYTES) {
      this.#compare(bytes, at);
    } else {
      const tail = bytes.length - COMPARED_BYTES / 2;
      this.#compare(bytes.subarray(0, COMPARED_BYTES / 2), at);
      this.#compare(bytes.subarray(tail), (at + tail) % this.#message.length);
    }
    const end = at + bytes.length;
    const answered = Math.floor(end / this.#message.length);
    this.#at = end - answered * this.#message.length;
    return answered;
  }

  close(error?: Error): void {
    this.#connection.close(error === undefined ? "done" : "error", error);
  }

  #compare(bytes: Uint8Array, from: number): void {
    const message = this.#message;
    let at = from;
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] !== message[at]) throw wrongAnswer(this.#connection, `"${preview(bytes.subarray(index), 40)}"`);
      if (++at === message.length) at = 0;
    }
  }

  #endedEarly(): ClosedEarlyError {
    const endpoint = formatEndpoint(this.#connection.remote);
    const cause = this.#connection.closeError;
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    return new ClosedEarlyError(`${endpoint} closed the connection with ${this.#due} bytes outstanding${why}`, {
      endpoint,
      cause,
    });
  }
}

/** A connection over a session with native messages: WebSocket. */
export class MessageConnection implements LoadConnection<readonly Message[] | null> {
  readonly #session: Session;
  readonly #message: Uint8Array;
  #due = 0;
  #error: Error | undefined;

  /** `message` is the payload of each message. */
  constructor(session: Session, message: Uint8Array) {
    this.#session = session;
    this.#message = message;
  }

  send(count: number): undefined {
    this.#due += count;
    // Messages sent in one turn of the event loop leave in one write.
    for (let index = 0; index < count; index++) {
      if (!this.#session.send(this.#message, false)) {
        this.close(outboxFull(this.#session.remote));
        break;
      }
    }
    return undefined;
  }

  receive(): Promise<readonly Message[] | null> {
    return this.#session.receive();
  }

  answersIn(messages: readonly Message[] | null): number {
    if (messages === null) throw this.#error ?? this.#endedEarly();
    this.#due -= messages.length;
    if (this.#due < 0) throw wrongAnswer(this.#session, `${-this.#due} more messages than were sent`);
    for (const { data } of messages) this.#compare(data);
    return messages.length;
  }

  close(error?: Error): void | Promise<void> {
    if (error === undefined) return leave(this.#session);
    this.#error ??= error;
    this.#session.close("error", error);
  }

  #compare(data: Uint8Array): void {
    const message = this.#message;
    if (data.length !== message.length) throw wrongAnswer(this.#session, `${data.length} bytes for ${message.length}`);
    for (let index = 0; index < data.length; index++) {
      if (index === COMPARED_BYTES / 2 && data.length > COMPARED_BYTES) index = data.length - COMPARED_BYTES / 2;
      if (data[index] !== message[index]) throw wrongAnswer(this.#session, `"${preview(data.subarray(index), 40)}"`);
    }
  }

  #endedEarly(): ClosedEarlyError {
    const endpoint = formatEndpoint(this.#session.remote);
    const why = closeFrameText(this.#session);
    const message = `${endpoint} closed the connection with ${this.#due} messages outstanding${why}`;
    return new ClosedEarlyError(message, { endpoint });
  }
}

const WORD = BigInt64Array.BYTES_PER_ELEMENT;

/**
 * Checks whether the input is exactly one message, the common case of an echo, eight bytes at a time, because a
 * comparison of single bytes would dominate the load generator's CPU time. V8 compares the elements of two
 * `BigInt64Array`s without creating a `bigint`, but not the results of a calculation with them.
 */
export class WholeMatch {
  readonly #message: Uint8Array;
  readonly #words: BigInt64Array;
  #buffer: ArrayBufferLike | undefined;
  #found: BigInt64Array = new BigInt64Array(0);

  constructor(message: Uint8Array) {
    // The copy is aligned to words.
    this.#message = message.slice();
    this.#words = new BigInt64Array(this.#message.buffer, 0, Math.floor(message.length / WORD));
  }

  /** A fast check: `false` only means that the input needs a full comparison. */
  matches(bytes: Uint8Array): boolean {
    const message = this.#message;
    if (bytes.length !== message.length || bytes.byteOffset !== 0) return false;
    if (bytes.buffer !== this.#buffer) this.#lookAt(bytes);
    const words = this.#words;
    const found = this.#found;
    for (let index = 0; index < words.length; index++) if (words[index] !== found[index]) return false;
    for (let index = words.length * WORD; index < message.length; index++) {
      if (message[index] !== bytes[index]) return false;
    }
    return true;
  }

  /** A connection reuses its read buffer, so the view is kept. */
  #lookAt({ buffer }: Uint8Array): void {
    this.#buffer = buffer;
    this.#found = new BigInt64Array(buffer, 0, this.#words.length);
  }
}
