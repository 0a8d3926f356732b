import { DEFAULTS } from "../base/defaults.ts";
import { indexOfBytes } from "../base/bytes.ts";
import { FrameError } from "../base/errors.ts";
import { Backlog } from "./backlog.ts";
import type { Codec, Decoder } from "./codec.ts";

/** Limits of messages that end with a delimiter. */
export interface DelimiterLimits {
  /** Most bytes of a message, without its end; a longer one is lost and the stream goes on. */
  readonly maxBytes: number;
  /** Bytes without an end at which the stream cannot go on. */
  readonly hardBytes: number;
}

const LINE_LIMITS: DelimiterLimits = { maxBytes: DEFAULTS.lineBytes, hardBytes: DEFAULTS.lineHardBytes };
const LF = 0x0a;
const CR = 0x0d;

/** Lines, sent with LF and accepted with LF or CR LF; a last line needs no end. */
export function lineCodec(limits: DelimiterLimits = LINE_LIMITS): Codec {
  return {
    name: "line",
    decoder: () => new DelimiterDecoder(Uint8Array.of(LF), limits, true),
    encode(message, sink) {
      if (message.includes(LF)) throw new FrameError("Cannot send a line that holds a line end");
      sink.append(message);
      sink.appendByte(LF);
    },
  };
}

/** Messages that each end with `delimiter`; a last one needs no end. */
export function delimiterCodec(delimiter: Uint8Array, limits: DelimiterLimits): Codec {
  if (delimiter.length === 0) throw new RangeError("Cannot use an empty delimiter");
  return {
    name: "delimiter",
    decoder: () => new DelimiterDecoder(delimiter, limits, false),
    encode(message, sink) {
      if (indexOfBytes(message, delimiter) !== -1) {
        throw new FrameError("Cannot send a message that holds the delimiter");
      }
      sink.append(message);
      sink.append(delimiter);
    },
  };
}

class DelimiterDecoder implements Decoder {
  readonly #backlog = new Backlog();
  readonly #delimiter: Uint8Array;
  readonly #limits: DelimiterLimits;
  readonly #isLine: boolean;
  /** How far the waiting bytes have been searched. */
  #searched = 0;
  /** The error of a message that is too long has been given; its rest is dropped. */
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
    this.#backlog.push(bytes);
  }

  next(): Uint8Array | FrameError | undefined {
    if (this.#isStart && this.#isLine) this.#refuseTls();
    for (;;) {
      const end = this.#findEnd();
      if (end === -1) return this.#withoutEnd();
      if (this.#skipped + end > this.#limits.hardBytes) return this.#hardLimit();
      const message = this.#backlog.take(end);
      this.#backlog.skip(this.#delimiter.length);
      this.#searched = 0;
      if (this.#isSkipping) {
        this.#isSkipping = false;
        this.#skipped = 0;
        continue;
      }
      const whole = this.#isLine && message[message.length - 1] === CR ? message.subarray(0, -1) : message;
      return whole.length > this.#limits.maxBytes ? this.#tooLong() : whole;
    }
  }

  end(): void {
    this.#isEnded = true;
  }

  /** A TLS record that holds a handshake (RFC 8446, section 5.1) may hold no line end: its sender would wait for ever. */
  #refuseTls(): void {
    if (this.#backlog.length < 2) return;
    this.#isStart = false;
    if (this.#backlog.at(0) === 0x16 && this.#backlog.at(1) === 0x03) {
      throw new FrameError("A TLS handshake came where plain lines of text are expected");
    }
  }

  #findEnd(): number {
    const backlog = this.#backlog;
    if (this.#delimiter.length === 1) {
      const at = backlog.indexOf(this.#delimiter[0] ?? 0, this.#searched);
      if (at === -1) this.#searched = backlog.length;
      return at;
    }
    const at = indexOfBytes(backlog.view(0, backlog.length), this.#delimiter, this.#searched);
    if (at === -1) this.#searched = Math.max(0, backlog.length - this.#delimiter.length + 1);
    return at;
  }

  #withoutEnd(): Uint8Array | FrameError | undefined {
    const waiting = this.#backlog.length;
    if (this.#isEnded) {
      if (waiting === 0 || this.#isSkipping) return void this.#backlog.skip(waiting);
      const last = this.#backlog.take(waiting);
      this.#searched = 0;
      return last.length > this.#limits.maxBytes ? this.#tooLong() : last;
    }
    // The last bytes may be the start of a delimiter.
    const sure = waiting - this.#delimiter.length + 1;
    if (this.#skipped + sure > this.#limits.hardBytes) return this.#hardLimit();
    // One byte more than a message may have: the CR of a line end, or the start of a delimiter.
    if (waiting > this.#limits.maxBytes + this.#delimiter.length) {
      this.#skipped += sure;
      this.#backlog.skip(sure);
      this.#searched = 0;
      this.#backlog.keep();
      if (this.#isSkipping) return undefined;
      this.#isSkipping = true;
      return this.#tooLong();
    }
    this.#backlog.keep();
    return undefined;
  }

  /** First the message is lost, then the stream: as when it comes byte by byte. */
  #hardLimit(): FrameError {
    if (!this.#isSkipping) {
      this.#isSkipping = true;
      return this.#tooLong();
    }
    throw new FrameError(`More than ${this.#limits.hardBytes} bytes came without an end`);
  }

  #tooLong(): FrameError {
    const what = this.#isLine ? "line" : "message";
    return new FrameError(`The ${what} is longer than ${this.#limits.maxBytes} bytes and was dropped`);
  }
}
