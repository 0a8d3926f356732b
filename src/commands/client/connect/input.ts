import { concat, parseHex } from "../../../base/bytes.ts";
import { FrameError } from "../../../base/errors.ts";
import { lineCodec } from "../../../framing/mod.ts";
import { isUtf8 } from "../utf8.ts";

/** One message on its way to the peer. */
export interface Outgoing {
  readonly data: Uint8Array;
  /** Whether WebSocket sends it as text. */
  readonly isText: boolean;
}

/** Makes messages of what comes on standard input, in whatever pieces it comes. */
export interface InputCutter {
  /** The messages that the bytes complete; they are valid until the next call. */
  push(bytes: Uint8Array): readonly Outgoing[];
  /** What is left at the end of input. */
  end(): readonly Outgoing[];
}

/** How input becomes messages. */
export interface InputOptions {
  /** Each line is a message; otherwise the bytes go as they come. */
  readonly isByLine: boolean;
  /** Each line is hexadecimal digits. */
  readonly isHex: boolean;
  /** A line end is sent as CR LF. */
  readonly isCrLf: boolean;
  /** Each line keeps its end: the messages themselves have none. */
  readonly keepsLineEnd: boolean;
}

const LINE_BYTES = 64 * 1024 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const LINE_END = Uint8Array.of(LF);
const CR_LF = Uint8Array.of(CR, LF);

/** The cutter that the options ask for. */
export function inputCutter(options: InputOptions): InputCutter {
  if (options.isByLine) return new LineCutter(options);
  return options.isCrLf ? new CrLfCutter() : BYTES_AS_THEY_COME;
}

const BYTES_AS_THEY_COME: InputCutter = {
  push: (data) => [{ data, isText: false }],
  end: () => [],
};

class LineCutter implements InputCutter {
  readonly #options: InputOptions;
  readonly #decoder = lineCodec({ maxBytes: LINE_BYTES, hardBytes: LINE_BYTES }).decoder();

  constructor(options: InputOptions) {
    this.#options = options;
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
 * One line, without its end, as a message.
 *
 * @throws {SyntaxError} It should be hexadecimal digits and is not.
 */
export function lineMessage(line: Uint8Array, options: InputOptions): Outgoing {
  const { isHex, isCrLf, keepsLineEnd } = options;
  if (isHex) return { data: parseHex(new TextDecoder().decode(line)), isText: false };
  if (!keepsLineEnd) return { data: line, isText: isUtf8(line) };
  return { data: concat([line, isCrLf ? CR_LF : LINE_END]), isText: false };
}

/** Puts a CR before each LF that has none. */
class CrLfCutter implements InputCutter {
  #last = 0;

  push(bytes: Uint8Array): readonly Outgoing[] {
    const data: number[] = [];
    for (const byte of bytes) {
      if (byte === LF && this.#last !== CR) data.push(CR);
      data.push(byte);
      this.#last = byte;
    }
    return [{ data: Uint8Array.from(data), isText: false }];
  }

  end(): readonly Outgoing[] {
    return [];
  }
}
