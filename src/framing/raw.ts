import type { Codec, Decoder } from "./codec.ts";

/** No framing: each read is a message. */
export const rawCodec: Codec = {
  name: "raw",
  decoder: () => new RawDecoder(),
  encode: (message, builder) => builder.append(message),
};

class RawDecoder implements Decoder {
  #bytes: Uint8Array | undefined;

  push(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }

  next(): Uint8Array | undefined {
    const message = this.#bytes;
    this.#bytes = undefined;
    return message;
  }

  end(): void {
  }
}
