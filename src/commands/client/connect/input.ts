import { concat, parseHex } from "../../../base/bytes.ts";
import { FrameError } from "../../../base/errors.ts";
import { type Decoder, delimiterCodec, lineCodec } from "../../../framing/mod.ts";
import { assertText } from "../../../script/encodable.ts";

/** A message to send. */
export interface Outgoing {
  readonly data: Uint8Array;
  /** Whether WebSocket sends it as text. */
  readonly isText: boolean;
}

/** Splits standard input into messages, however it is chunked. */
export interface InputSplitter {
  /** The messages that the bytes complete; they are valid until the next call. */
  push(bytes: Uint8Array): readonly Outgoing[];
  /** The rest at the end of input. */
  end(): readonly Outgoing[];
}

/** Options for splitting input. */
export interface InputOptions {
  /** Each line is a message; otherwise bytes are sent as they are read. */
  readonly isByLine: boolean;
  /** Each line is hexadecimal digits. */
  readonly isHex: boolean;
  /** A line end is sent as CR LF. */
  readonly isCrLf: boolean;
  /** Treatment of the line end of a message: keep it, keep all but the LF (which the framing adds), or drop it. */
  readonly lineEnds: "keep" | "keep CR" | "drop";
  /** Whether WebSocket messages are text; by default for lines that are not hexadecimal. */
  readonly isText?: boolean | undefined;
}

const LINE_BYTES = 64 * 1024 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const LINE_END = Uint8Array.of(LF);

/** The splitter that the options ask for. */
export function inputSplitter(options: InputOptions): InputSplitter {
  if (options.isByLine) return new LineSplitter(options);
  const push = options.isCrLf ? withCrs() : (data: Uint8Array) => outgoing(data, options.isText ?? false);
  return { push: (bytes) => [push(bytes)], end: () => [] };
}

function outgoing(data: Uint8Array, isText: boolean): Outgoing {
  if (isText) assertText(data);
  return { data, isText };
}

class LineSplitter implements InputSplitter {
  readonly #options: InputOptions;
  readonly #decoder: Decoder;

  constructor(options: InputOptions) {
    this.#options = options;
    const limits = { maxBytes: LINE_BYTES, hardBytes: LINE_BYTES };
    const dropsCr = options.isHex || options.lineEnds === "drop";
    this.#decoder = (dropsCr ? lineCodec(limits) : delimiterCodec(LINE_END, limits)).decoder();
  }

  push(bytes: Uint8Array): readonly Outgoing[] {
    this.#decoder.push(bytes);
    return this.#take();
  }

  end(): readonly Outgoing[] {
    this.#decoder.end();
    return this.#take();
  }

  #take(): Outgoing[] {
    const messages: Outgoing[] = [];
    for (let line = this.#decoder.next(); line !== undefined; line = this.#decoder.next()) {
      if (line instanceof FrameError) throw line;
      messages.push(lineMessage(line, this.#options));
    }
    return messages;
  }
}

/**
 * Converts a line without its end to a message.
 *
 * @throws {SyntaxError} The line is not hexadecimal.
 */
export function lineMessage(line: Uint8Array, options: InputOptions): Outgoing {
  const { isHex, isCrLf, lineEnds } = options;
  if (isHex) return outgoing(parseHex(new TextDecoder().decode(line)), options.isText ?? false);
  if (lineEnds === "drop") return outgoing(line, options.isText ?? false);
  const cr = isCrLf && line.at(-1) !== CR ? [CR] : [];
  return { data: concat([line, Uint8Array.of(...cr, ...lineEnds === "keep" ? [LF] : [])]), isText: false };
}

/** Puts a CR before each LF that has none. */
function withCrs(): (bytes: Uint8Array) => Outgoing {
  let last = 0;
  return (bytes) => {
    const data: number[] = [];
    for (const byte of bytes) {
      if (byte === LF && last !== CR) data.push(CR);
      data.push(byte);
      last = byte;
    }
    return { data: Uint8Array.from(data), isText: false };
  };
}
