import { ByteBuilder } from "../base/byte_builder.ts";
import type { Codec } from "../framing/codec.ts";

/**
 * Encodes messages for sending. Sessions with the same encoding share a framer, so that a broadcast is encoded once per
 * framer, not once per session.
 */
export interface Framer {
  /** Returns the encoded message in a new array. */
  frame(data: Uint8Array, isText: boolean): Uint8Array;
}

const FRAMERS = new WeakMap<Codec, Framer>();

/** The framer shared by all sessions with this codec. */
export function framerOf(codec: Codec): Framer {
  let framer = FRAMERS.get(codec);
  if (framer === undefined) {
    framer = {
      frame(data) {
        const builder = new ByteBuilder();
        codec.encode(data, builder);
        return builder.take();
      },
    };
    FRAMERS.set(codec, framer);
  }
  return framer;
}
