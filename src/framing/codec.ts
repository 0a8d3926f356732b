import type { ByteBuilder } from "../base/byte_builder.ts";
import { toBytes } from "../base/bytes.ts";
import type { FrameError } from "../base/errors.ts";

/** Splits a stream of bytes into messages, however the bytes are chunked. Does no I/O. */
export interface Decoder {
  /** Adds the next bytes of the stream. Take every message with {@linkcode next} before these bytes are overwritten. */
  push(bytes: Uint8Array): void;
  /**
   * The next message, as a view that is valid until the next push; `undefined` if more bytes are needed; a `FrameError`
   * as a value for a dropped message after which the stream continues.
   *
   * @throws {FrameError} The stream cannot continue.
   */
  next(): Uint8Array | FrameError | undefined;
  /**
   * Signals the end of the stream; then call {@linkcode next} for messages that the end completes.
   *
   * @throws {ClosedEarlyError} The stream ended inside a message.
   */
  end(): void;
}

/** A framing: how messages are delimited in a stream of bytes. */
export interface Codec {
  /** Name as in flags: `line`, `length:4be`. */
  readonly name: string;
  /** A decoder for one stream. */
  decoder(): Decoder;
  /**
   * Appends the message as the peer's decoder expects it.
   *
   * @throws {FrameError} The message cannot be encoded in this framing.
   */
  encode(message: Uint8Array, builder: ByteBuilder): void;
  /** Like {@linkcode encode} for a text in UTF-8, without an array in between. */
  encodeText?(text: string, builder: ByteBuilder): void;
  /** Like {@linkcode encode} for messages that a decoder of this codec returned since its last push: needs no checks. */
  encodeDecoded?(messages: readonly DecodedMessage[], builder: ByteBuilder): void;
}

/** Appends a message, a text in UTF-8. */
export function encodeMessage(codec: Codec, message: Uint8Array | string, builder: ByteBuilder): void {
  if (typeof message === "string" && codec.encodeText !== undefined) codec.encodeText(message, builder);
  else codec.encode(toBytes(message), builder);
}

/** A message from a decoder. */
export interface DecodedMessage {
  /** Its bytes, valid until the next push. */
  readonly data: Uint8Array;
}

/** Appends each message and `end`. Messages that are in one array with only `end` between them are copied together. */
export function appendRuns(messages: readonly DecodedMessage[], end: Uint8Array, builder: ByteBuilder): void {
  for (let index = 0; index < messages.length;) {
    const first = messages[index++]?.data;
    if (first === undefined) return;
    const { buffer, byteOffset } = first;
    let length = first.length;
    for (; index < messages.length; index++) {
      const next = messages[index]?.data;
      if (next?.buffer !== buffer || next.byteOffset !== byteOffset + length + end.length) break;
      length += end.length + next.length;
    }
    builder.append(length === first.length ? first : new Uint8Array(buffer, byteOffset, length));
    if (end.length > 0) builder.append(end);
  }
}
