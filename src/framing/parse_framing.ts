import { unescape } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import type { Codec } from "./codec.ts";
import { delimiterCodec, lineCodec } from "./delimiter.ts";
import { fixedCodec } from "./fixed.ts";
import { lengthCodec } from "./length.ts";
import { rawCodec } from "./raw.ts";

/** Options of {@linkcode parseFraming}. */
export interface FramingOptions {
  /** Most bytes of a message; by default 4,096 of a line and 1 MiB of any other. */
  maxBytes?: number | undefined;
}

/**
 * The codec that a text names: `line`, `length:4be`, `length:2le`,
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
 * @throws {SyntaxError} No framing is called so.
 */
export function parseFraming(text: string, options: FramingOptions = {}): Codec {
  const maxBytes = options.maxBytes ?? DEFAULTS.messageBytes;
  if (text === "raw") return rawCodec;
  if (text === "line") return options.maxBytes === undefined ? lineCodec() : lineCodec(limitsOf(maxBytes));
  const length = /^length:([24])(be|le)$/.exec(text);
  if (length) {
    return lengthCodec({ bytes: length[1] === "2" ? 2 : 4, endianness: length[2] === "be" ? "be" : "le" }, maxBytes);
  }
  const fixed = /^fixed:(\d{1,9})$/.exec(text);
  if (fixed && Number(fixed[1]) > 0) return fixedCodec(Number(fixed[1]));
  const delimiter = /^delimiter:(.+)$/s.exec(text)?.[1];
  if (delimiter !== undefined) return delimiterCodec(unescape(delimiter), limitsOf(maxBytes));
  throw new SyntaxError(
    `Cannot parse framing "${text}": known are line, length:4be, length:4le, length:2be, length:2le, delimiter:X, fixed:N, raw`,
  );
}

function limitsOf(maxBytes: number) {
  return { maxBytes, hardBytes: Math.max(maxBytes * 4, DEFAULTS.lineHardBytes) };
}
