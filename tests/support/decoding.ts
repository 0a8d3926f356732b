import { type Codec, FrameError } from "@parley/parley";

/** More than any test sends: a decoder that takes nothing would give messages for ever. */
const MAX_MESSAGES = 100_000;

/**
 * What a decoder makes of pieces and the end of the stream: messages as text,
 * lost messages as `lost`, an error that ends the stream as `Name: message`.
 * Each piece is overwritten after its turn, as a read buffer is.
 */
export function decodeAll(codec: Codec, pieces: readonly Uint8Array[], ends = true): string[] {
  const decoder = codec.decoder();
  const found: string[] = [];
  const takeAll = () => {
    for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
      found.push(message instanceof FrameError ? "lost" : new TextDecoder().decode(message));
      if (found.length > MAX_MESSAGES) throw new RangeError("the decoder goes on without an end");
    }
  };
  try {
    for (const piece of pieces) {
      const shared = piece.slice();
      decoder.push(shared);
      takeAll();
      shared.fill(0xff);
    }
    if (ends) {
      decoder.end();
      takeAll();
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    found.push(`${error.name}: ${error.message}`);
  }
  return found;
}

/** A piece for each byte. */
export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}
