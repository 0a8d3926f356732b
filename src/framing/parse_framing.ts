import { ByteBuilder } from "../base/byte_builder.ts";
import { toBytes, unescape } from "../base/bytes.ts";
import { DEFAULTS } from "../base/defaults.ts";
import type { Codec } from "./codec.ts";
import { delimiterCodec, lineCodec } from "./delimiter.ts";
import { fixedCodec } from "./fixed.ts";
import { lengthCodec, type LengthFormat } from "./length.ts";
import { rawCodec } from "./raw.ts";

const LENGTHS: ReadonlyMap<string | undefined, LengthFormat> = new Map<string, LengthFormat>([
  ["1", { bytes: 1 }],
  ["2be", { bytes: 2, endianness: "be" }],
  ["2le", { bytes: 2, endianness: "le" }],
  ["4be", { bytes: 4, endianness: "be" }],
  ["4le", { bytes: 4, endianness: "le" }],
  ["8be", { bytes: 8, endianness: "be" }],
  ["8le", { bytes: 8, endianness: "le" }],
  ["varint", { bytes: "varint" }],
]);

/** A framing that has a name. */
interface Framing {
  readonly name: string;
  /** How it is written, for messages. */
  readonly forms: readonly string[];
  /** Creates it from the text after the colon; `undefined` if that is not one of its forms. */
  readonly create: (argument: string | undefined, maxBytes: number | undefined) => Codec | undefined;
}

/** Every framing: a file and an entry here each. */
const FRAMINGS: readonly Framing[] = [
  {
    name: "line",
    forms: ["line"],
    create: (argument, max) => without(argument, () => lineCodec(max === undefined ? undefined : limitsOf(max))),
  },
  {
    name: "length",
    forms: Array.from(LENGTHS.keys(), (form) => `length:${form}`),
    create(argument, maxBytes = DEFAULTS.messageBytes) {
      const format = LENGTHS.get(argument);
      return format && lengthCodec(format, maxBytes);
    },
  },
  {
    name: "delimiter",
    forms: ["delimiter:X"],
    create: (text = "", maxBytes = DEFAULTS.messageBytes) =>
      text === "" ? undefined : delimiterCodec(unescape(text), limitsOf(maxBytes)),
  },
  {
    name: "fixed",
    forms: ["fixed:N"],
    create: (size = "") => /^(?!0+$)\d{1,9}$/.test(size) ? fixedCodec(Number(size)) : undefined,
  },
  { name: "raw", forms: ["raw"], create: (argument) => without(argument, () => rawCodec) },
];

function without(argument: string | undefined, create: () => Codec): Codec | undefined {
  return argument === undefined ? create() : undefined;
}

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
  const [, name, argument] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const codec = FRAMINGS.find((framing) => framing.name === name)?.create(argument, options.maxBytes);
  if (codec !== undefined) return codec;
  const known = FRAMINGS.flatMap(({ forms }) => forms).join(", ");
  throw new SyntaxError(`Cannot parse framing "${text}": known are ${known}`);
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
