import { ByteBuilder } from "../base/byte_builder.ts";
import { type Codec, encodeMessage } from "../framing/codec.ts";

/**
 * Encodes messages for sending. Sessions with the same encoding share a framer, so that a broadcast is encoded once per
 * framer, not once per session.
 */
export interface Framer {
  /** Returns the encoded message in a new array. */
  frame(data: Uint8Array, isText: boolean): Uint8Array;
  /** Appends the encoded message, which costs less for many; a text in UTF-8. */
  append(data: Uint8Array | string, isText: boolean, builder: ByteBuilder): void;
}

/** A framer that encodes in this way. */
export function createFramer(append: Framer["append"]): Framer {
  return {
    append,
    frame(data, isText) {
      const builder = new ByteBuilder();
      append(data, isText, builder);
      return builder.take();
    },
  };
}

const FRAMERS = new WeakMap<Codec, Framer>();

/** The framer shared by all sessions with this codec. */
export function framerOf(codec: Codec): Framer {
  let framer = FRAMERS.get(codec);
  if (framer === undefined) {
    framer = createFramer((data, _isText, builder) => encodeMessage(codec, data, builder));
    FRAMERS.set(codec, framer);
  }
  return framer;
}
