import { ByteBuilder } from "../base/byte_builder.ts";
import type { Codec } from "../framing/codec.ts";

/**
 * Makes one message ready for the wire. Sessions that say a message in the
 * same bytes share one framer, so that a broadcast is framed once for each
 * framer and not once for each member.
 */
export interface Framer {
  /** The message as it goes over the wire, in bytes of its own. */
  frame(data: Uint8Array, isText: boolean): Uint8Array;
}

const FRAMERS = new WeakMap<Codec, Framer>();

/** The framer of all sessions that use the codec. */
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
