import { DEFAULTS } from "../base/defaults.ts";
import { concat, indexOfBytes } from "../base/bytes.ts";
import { FrameError, MessageTooLongError } from "../base/errors.ts";
import { ByteQueue } from "./byte_queue.ts";
import { appendRuns, type Codec, type Decoder } from "./codec.ts";

/** Limits for messages that end with a delimiter. */
export interface DelimiterLimits {
  /** Maximum bytes of a message without its delimiter; a longer one is dropped and the stream continues. */
  readonly maxBytes: number;
  /** Bytes without a delimiter after which the stream is given up. */
  readonly hardBytes: number;
}

const LINE_LIMITS: DelimiterLimits = { maxBytes: DEFAULTS.lineBytes, hardBytes: DEFAULTS.lineHardBytes };
const LF = 0x0a;
const CR = 0x0d;

/** Lines, sent with LF and accepted with LF or CR LF; the last line needs no line end. */
export function lineCodec(limits: DelimiterLimits = LINE_LIMITS): Codec {
  const delimiter = Uint8Array.of(LF);
  return {
    name: "line",
    decoder: () => new DelimiterDecoder(delimiter, limits, true),
    encodeDecoded: (messages, builder) => appendRuns(messages, delimiter, builder),
    encode(message, builder) {
      if (message.includes(LF)) throw lineEndError();
      builder.append(message);
      builder.appendByte(LF);
    },
    encodeText(text, builder) {
      if (text.includes("\n")) throw lineEndError();
      // In one piece, because the line end alone may need a larger buffer.
      builder.appendText(`${text}\n`);
    },
  };
}

function lineEndError(): FrameError {
  return new FrameError("Cannot send a line that contains a line end");
}

/** Messages that each end with `delimiter`; the last one needs none. */
export function delimiterCodec(delimiter: Uint8Array, limits: DelimiterLimits): Codec {
  if (delimiter.length === 0) throw new RangeError("Cannot use an empty delimiter");
  // With ";;" the message ";" would be ";;;" on the wire: an empty message, and a byte of the next one.
  const overlap = delimiter.subarray(0, -1);
  const endsInDelimiter = (message: Uint8Array) =>
    overlap.length > 0 && indexOfBytes(concat([message.subarray(-overlap.length), overlap]), delimiter) !== -1;
  return {
    name: "delimiter",
    decoder: () => new DelimiterDecoder(delimiter, limits, false),
    encode(message, builder) {
      if (indexOfBytes(message, delimiter) !== -1 || endsInDelimiter(message)) {
        throw new FrameError("Cannot send a message that contains the delimiter");
      }
      builder.append(message);
      builder.append(delimiter);
    },
  };
}

class DelimiterDecoder implements Decoder {
  readonly #queue = new ByteQueue();
  readonly #delimiter: Uint8Array;
  readonly #limits: DelimiterLimits;
  readonly #isLine: boolean;
  /** The buffered bytes have been searched up to here. */
  #searched = 0;
  /** A message was too long and has been reported; its rest is being dropped. */
  #isSkipping = false;
  #skipped = 0;
  #isEnded = false;
  #isStart = true;

  constructor(delimiter: Uint8Array, limits: DelimiterLimits, isLine: boolean) {
    this.#delimiter = delimiter;
    this.#limits = limits;
    this.#isLine = isLine;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  next(): Uint8Array | FrameError | undefined {
    if (this.#isStart && this.#isLine) this.#refuseTls();
    for (;;) {
      const end = this.#findEnd();
      if (end === -1) return this.#withoutEnd();
      if (this.#skipped + end > this.#limits.hardBytes) return this.#hardLimit();
      const message = this.#queue.take(end);
      this.#queue.skip(this.#delimiter.length);
      this.#searched = 0;
      if (this.#isSkipping) {
        this.#isSkipping = false;
        this.#skipped = 0;
        continue;
      }
      const whole = this.#isLine && message[message.length - 1] === CR ? message.subarray(0, -1) : message;
      return whole.length > this.#limits.maxBytes ? this.#tooLong(whole) : whole;
    }
  }

  end(): void {
    this.#isEnded = true;
  }

  /**
   * A TLS record that holds a handshake (RFC 8446, section 5.1) may contain no line end, and its sender would wait
   * forever.
   */
  #refuseTls(): void {
    if (this.#queue.length < 2) return;
    this.#isStart = false;
    if (this.#queue.at(0) === 0x16 && this.#queue.at(1) === 0x03) {
      throw new FrameError("Received a TLS handshake where plain lines of text are expected");
    }
  }

  #findEnd(): number {
    const queue = this.#queue;
    if (this.#delimiter.length === 1) {
      const at = queue.indexOf(this.#delimiter[0] ?? 0, this.#searched);
      if (at === -1) this.#searched = queue.length;
      return at;
    }
    const at = indexOfBytes(queue.view(0, queue.length), this.#delimiter, this.#searched);
    if (at === -1) this.#searched = Math.max(0, queue.length - this.#delimiter.length + 1);
    return at;
  }

  #withoutEnd(): Uint8Array | FrameError | undefined {
    const waiting = this.#queue.length;
    if (this.#isEnded) {
      if (waiting === 0 || this.#isSkipping) return void this.#queue.skip(waiting);
      const last = this.#queue.take(waiting);
      this.#searched = 0;
      return last.length > this.#limits.maxBytes ? this.#tooLong(last) : last;
    }
    // The last bytes may be the start of a delimiter.
    const sure = waiting - this.#delimiter.length + 1;
    if (this.#skipped + sure > this.#limits.hardBytes) return this.#hardLimit();
    // Space beyond the maximum for the CR of a line end or the start of a delimiter.
    if (waiting > this.#limits.maxBytes + this.#delimiter.length) {
      this.#skipped += sure;
      const error = this.#tooLong(this.#queue.view(0, sure));
      this.#queue.skip(sure);
      this.#searched = 0;
      this.#queue.keep();
      if (this.#isSkipping) return undefined;
      this.#isSkipping = true;
      return error;
    }
    this.#queue.keep();
    return undefined;
  }

  /** First the message is dropped, then the stream, as if the bytes had arrived one by one. */
  #hardLimit(): FrameError {
    if (!this.#isSkipping) {
      this.#isSkipping = true;
      return this.#tooLong(this.#queue.view(0, this.#queue.length));
    }
    throw new FrameError(`More than ${this.#limits.hardBytes} bytes without a delimiter were received`);
  }

  #tooLong(start: Uint8Array): FrameError {
    const what = this.#isLine ? "line" : "message";
    const message = `The ${what} is longer than ${this.#limits.maxBytes} bytes and was dropped`;
    return new MessageTooLongError(message, start);
  }
}
