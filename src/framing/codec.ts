import type { ByteBuilder } from "../base/byte_builder.ts";
import type { FrameError } from "../base/errors.ts";

/**
 * Takes the bytes of a stream in whatever pieces they come and gives back
 * whole messages. It does no I/O.
 */
export interface Decoder {
  /**
   * Gives it the next bytes of the stream. Take every message with
   * {@linkcode next} before these bytes are overwritten.
   */
  push(bytes: Uint8Array): void;
  /**
   * The next message, as a view that is valid until the next push;
   * `undefined` when more bytes are needed; a `FrameError` as a value for a
   * message that is lost while the stream goes on.
   *
   * @throws {FrameError} The stream cannot go on.
   */
  next(): Uint8Array | FrameError | undefined;
  /**
   * Says that the stream has ended; call {@linkcode next} for what the end completes.
   *
   * @throws {ClosedEarlyError} It ended inside a message: how many of how many bytes came.
   */
  end(): void;
}

/** One way of telling messages apart in a stream of bytes. */
export interface Codec {
  /** As a flag says it: `line`, `length:4be`. */
  readonly name: string;
  /** A decoder for one stream. */
  decoder(): Decoder;
  /**
   * Appends the message as the peer's decoder expects it.
   *
   * @throws {FrameError} The message cannot be said in this framing.
   */
  encode(message: Uint8Array, builder: ByteBuilder): void;
}
