/**
 * Framing: how messages are delimited in a stream of bytes. Pure, no I/O.
 *
 * @module
 */

export type { Codec, DecodedMessage, Decoder } from "./codec.ts";
export { delimiterCodec, type DelimiterLimits, lineCodec } from "./delimiter.ts";
export { fixedCodec } from "./fixed.ts";
export { lengthCodec, type LengthFormat } from "./length.ts";
export { encode, type FramingOptions, parseFraming } from "./parse_framing.ts";
export { rawCodec } from "./raw.ts";
