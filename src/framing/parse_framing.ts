import { ByteBuilder } from "../base/byte_builder.ts";
import { toBytes, unescape } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import type { Codec } from "./codec.ts";
import { delimiterCodec, lineCodec } from "./delimiter.ts";
import { fixedCodec } from "./fixed.ts";
import { lengthCodec, type LengthFormat } from "./length.ts";
import { rawCodec } from "./raw.ts";

const LENGTHS: ReadonlyMap<string, LengthFormat> = new Map<string, LengthFormat>([
  ["length:1", { bytes: 1 }],
  ["length:2be", { bytes: 2, endianness: "be" }],
  ["length:2le", { bytes: 2, endianness: "le" }],
  ["length:4be", { bytes: 4, endianness: "be" }],
  ["length:4le", { bytes: 4, endianness: "le" }],
  ["length:8be", { bytes: 8, endianness: "be" }],
  ["length:8le", { bytes: 8, endianness: "le" }],
  ["length:varint", { bytes: "varint" }],
]);

/** Options of {@linkcode parseFraming}. */
export interface FramingOptions {
  /** Maximum bytes of a message; by default 4,096 for lines and 1 MiB otherwise. */
  maxBytes?: number | undefined;
}

/**
 * Parses the name of a framing: `line`, `length:N` (`1`, `2be`, `2le`, `4be`, `4le`, `8be`, `8le`, `varint`),
 * `delimiter:X` (escapes allowed), `fixed:N`, `raw`.
 *
 * @example Three messages of one stream
 * ```ts
 * import { parseFraming } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = parseFraming("line").decoder();
 * decoder.push(new TextEncoder().encode("one\r\ntwo\nthr"));
 * const text = () => new TextDecoder().decode(decoder.next() as Uint8Array);
 * assertEquals([text(), text(), decoder.next()], ["one", "two", undefined]);
 * decoder.push(new TextEncoder().encode("ee\n"));
 * assertEquals(text(), "three");
 * ```
 *
 * @throws {SyntaxError} No framing has that name.
 */
export function parseFraming(text: string, options: FramingOptions = {}): Codec {
  const maxBytes = options.maxBytes ?? DEFAULTS.messageBytes;
  if (text === "raw") return rawCodec;
  if (text === "line") return options.maxBytes === undefined ? lineCodec() : lineCodec(limitsOf(maxBytes));
  const length = LENGTHS.get(text);
  if (length !== undefined) return lengthCodec(length, maxBytes);
  const fixed = /^fixed:(\d{1,9})$/.exec(text);
  if (fixed && Number(fixed[1]) > 0) return fixedCodec(Number(fixed[1]));
  const delimiter = /^delimiter:(.+)$/s.exec(text)?.[1];
  if (delimiter !== undefined) return delimiterCodec(unescape(delimiter), limitsOf(maxBytes));
  throw new SyntaxError(
    `Cannot parse framing "${text}": known are line, ${[...LENGTHS.keys()].join(", ")}, delimiter:X, fixed:N, raw`,
  );
}

/**
 * Encodes one message.
 *
 * @example A message behind its length
 * ```ts
 * import { encode } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(encode("length:2be", "hi"), Uint8Array.of(0, 2, 104, 105));
 * ```
 *
 * @throws {SyntaxError} No framing has that name.
 * @throws {FrameError} The message cannot be expressed in the framing.
 */
export function encode(framing: string | Codec, message: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const builder = new ByteBuilder();
  const codec = typeof framing === "string" ? parseFraming(framing) : framing;
  codec.encode(toBytes(message), builder);
  return builder.take();
}

function limitsOf(maxBytes: number) {
  return { maxBytes, hardBytes: Math.max(maxBytes * 4, DEFAULTS.lineHardBytes) };
}
