import { isUtf8 } from "node:buffer";
import { ByteBuilder } from "../../base/byte_builder.ts";
import { DEFAULTS } from "../../base/defaults.ts";
import { ClosedEarlyError, FrameError, messageOf } from "../../base/errors.ts";
import { type Codec, type Decoder, lineCodec, rawCodec } from "../../framing/mod.ts";
import type { Logger } from "../../log/logger.ts";
import type { Message, Session } from "../../session/session.ts";

const LINES = lineCodec({ maxBytes: DEFAULTS.messageBytes, hardBytes: 4 * DEFAULTS.messageBytes });
const LOG_LINES = lineCodec({ maxBytes: DEFAULTS.lineBytes, hardBytes: Infinity });
const LF = 0x0a;

/** How messages are represented in the program's input and output. */
export interface ProgramFormat {
  readonly codec: Codec;
  /** Whether WebSocket messages are never text. */
  readonly isBinary: boolean;
}

/** The bytes of a stream are passed on unchanged; over WebSocket, without a framing, each message is a line. */
export function formatFor(session: Session, codec: Codec = rawCodec, isBinary = false): ProgramFormat {
  const isLines = session.kind === "websocket" && codec === rawCodec && !isBinary;
  return { codec: isLines ? LINES : codec, isBinary };
}

/**
 * Encodes messages as input of the program.
 *
 * @throws {FrameError} The framing cannot encode a message.
 */
export function toInput(batch: readonly Message[], { codec }: ProgramFormat): Uint8Array {
  const [only] = batch;
  if (codec === rawCodec && batch.length === 1 && only !== undefined) return only.data;
  const builder = new ByteBuilder();
  for (const { data } of batch) {
    if (codec.name !== "line") codec.encode(data, builder);
    else {
      // A WebSocket message may contain line ends; the program then reads several lines.
      builder.append(data);
      builder.appendByte(LF);
    }
  }
  return builder.take();
}

/** Splits the output of a program into messages. */
export class OutputReader {
  readonly #decoder: Decoder;
  readonly #format: ProgramFormat;
  readonly #log: Logger;

  constructor(format: ProgramFormat, log: Logger) {
    this.#format = format;
    this.#log = log;
    this.#decoder = format.codec.decoder();
  }

  /**
   * Returns the messages that the bytes complete; valid until the next call.
   *
   * @throws {FrameError} The output violates the framing.
   */
  *push(bytes: Uint8Array): Iterable<Message> {
    this.#decoder.push(bytes);
    yield* this.#messages();
  }

  /** Returns the messages that the end of the output completes. */
  *end(): Iterable<Message> {
    try {
      this.#decoder.end();
    } catch (error) {
      if (!(error instanceof ClosedEarlyError)) throw error;
      this.#log.warning("the program's output ended within a message", { error: error.message });
    }
    yield* this.#messages();
  }

  *#messages(): Iterable<Message> {
    for (let found = this.#decoder.next(); found !== undefined; found = this.#decoder.next()) {
      if (found instanceof FrameError) this.#log.warning("output skipped", { error: messageOf(found) });
      else yield { data: found, isText: this.#isText(found) };
    }
  }

  #isText(bytes: Uint8Array): boolean {
    return !this.#format.isBinary && this.#format.codec.name === "line" && isUtf8(bytes);
  }
}

/** Logs the program's standard error, line by line. */
export class ErrorOutputLog {
  readonly #decoder = LOG_LINES.decoder();
  readonly #text = new TextDecoder();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    this.#logLines();
  }

  end(): void {
    this.#decoder.end();
    this.#logLines();
  }

  #logLines(): void {
    for (let line = this.#decoder.next(); line !== undefined; line = this.#decoder.next()) {
      this.#log.info(line instanceof FrameError ? "skipped a line that is too long" : this.#text.decode(line), {
        stream: "stderr",
      });
    }
  }
}
