import type { Codec, Decoder } from "./codec.ts";

/** No framing: each read is a message. */
export const rawCodec: Codec = {
  name: "raw",
  decoder(): Decoder {
    let bytes: Uint8Array | undefined;
    return {
      push: (chunk) => void (bytes = chunk),
      next() {
        const message = bytes;
        bytes = undefined;
        return message;
      },
      end() {},
    };
  },
  encode: (message, sink) => sink.append(message),
};
