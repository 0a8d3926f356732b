/**
 * Helpers for bytes: concatenation, integers, hexadecimal, escapes, hex dumps.
 *
 * @module
 */

const encoder = new TextEncoder();

/** An empty array, shared because it cannot be changed. */
export const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** UTF-8 bytes of a text (RFC 3629). */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Decodes one character per byte (Latin-1). */
export function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** Encodes a text; returns bytes unchanged. */
export function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** Concatenates byte arrays. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** The bytes for a JSON report: as text if they are UTF-8, otherwise as hexadecimal digits. */
export function textOrHex(bytes: Uint8Array): { text: string } | { hex: string } {
  // `isUtf8()` would load `node:buffer` at the start of every command.
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { hex: formatHex(bytes) };
  }
}

/** A view to read integers from. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Encodes an unsigned integer in `size` bytes, big-endian. */
export function bigEndian(value: number, size: 1 | 2 | 3 | 4): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, index) => value >>> 8 * (size - 1 - index));
}

/** Encodes an unsigned integer in `size` bytes, little-endian. */
export function littleEndian(value: number, size: 1 | 2 | 3 | 4): Uint8Array<ArrayBuffer> {
  return bigEndian(value, size).reverse();
}

/** Encodes an unsigned integer seven bits a byte, the lowest first (LEB128), as MQTT, HPACK and Protocol Buffers do. */
export function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest % 0x80 | 0x80);
  return [...bytes, rest];
}

/** A copy with the ASCII letters in upper case; other bytes are unchanged. */
export function toUpperAscii(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const upper = bytes.slice();
  for (let index = 0; index < upper.length; index++) {
    const byte = upper[index] ?? 0;
    if (byte >= 0x61 && byte <= 0x7a) upper[index] = byte - 0x20;
  }
  return upper;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Index of `wanted` in `bytes` at or after `from`, or -1. */
export function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array, from = 0): number {
  const first = wanted[0];
  if (first === undefined) return from;
  const last = bytes.length - wanted.length;
  for (let at = bytes.indexOf(first, from); at !== -1 && at <= last; at = bytes.indexOf(first, at + 1)) {
    let matched = 1;
    while (matched < wanted.length && bytes[at + matched] === wanted[matched]) matched++;
    if (matched === wanted.length) return at;
  }
  return -1;
}

/**
 * Parses hexadecimal text; spaces and colons between bytes are allowed.
 *
 * @throws {SyntaxError} The text is not hexadecimal, or has an odd number of digits.
 */
export function parseHex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll(/[\s:]/g, "");
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits)) {
    throw new SyntaxError(`Cannot parse hex "${text}": expected pairs of hexadecimal digits, as in 01ff`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Hexadecimal digits without separators. */
export function formatHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
};

/**
 * Bytes of a text with the C escapes `\n \r \t \0 \a \e \\` and `\xHH`.
 *
 * @throws {SyntaxError} The text has any other escape.
 */
export function unescape(text: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let rest = 0;
  for (const match of text.matchAll(/\\(x[0-9a-fA-F]{2}|.|$)/gs)) {
    chunks.push(encoder.encode(text.slice(rest, match.index)));
    rest = match.index + match[0].length;
    const code = match[1] ?? "";
    const plain = ESCAPES[code];
    if (plain !== undefined) chunks.push(encoder.encode(plain));
    else if (code.length === 3) chunks.push(Uint8Array.of(Number.parseInt(code.slice(1), 16)));
    else {
      throw new SyntaxError(
        `Cannot parse escape "${match[0]}": known are \\n \\r \\t \\0 \\a \\e \\\\ and \\xHH`,
      );
    }
  }
  chunks.push(encoder.encode(text.slice(rest)));
  return concat(chunks);
}

/** Control characters, line separators, and characters that change the direction of text (Unicode Bidi_Control). */
const CONTROLS =
  // deno-lint-ignore no-control-regex
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Escapes control characters, so that a terminal neither interprets them nor reorders the text. */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, (char) => {
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" }[char];
    const hex = char.charCodeAt(0).toString(16);
    return known ?? (hex.length > 2 ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`);
  });
}

/**
 * One-line JSON with all control characters escaped: JSON.stringify() leaves those above U+007E, which a terminal may
 * interpret.
 */
export function toJsonLine(value: unknown): string {
  return `${
    JSON.stringify(value).replaceAll(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
  }\n`;
}

/**
 * Joins the lines of a text, without the white space around each. A regular expression for that (`\s*\n\s*`) takes
 * quadratic time.
 */
export function joinLines(text: string, separator: string): string {
  if (!text.includes("\n")) return text.trim();
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").join(separator);
}

/** Decodes at most `max` characters, for a log field; the log escapes it. */
export function excerpt(bytes: Uint8Array, max = 200): string {
  return cut(new TextDecoder().decode(bytes.subarray(0, max * 4)), max);
}

/** Decodes and escapes at most `max` characters, for a message. */
export function preview(bytes: Uint8Array, max = 200): string {
  return cut(escapeControls(new TextDecoder().decode(bytes.subarray(0, max * 4))), max);
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max).toWellFormed()}...` : text;
}

/** Hex dump lines of 16 bytes: offset, hexadecimal, printable ASCII. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const row = bytes.subarray(offset, offset + 16);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, "0"));
    const left = hex.slice(0, 8).join(" ").padEnd(23);
    const right = hex.slice(8).join(" ").padEnd(23);
    const text = Array.from(row, (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".");
    lines.push(`${offset.toString(16).padStart(8, "0")}  ${left}  ${right}  |${text.join("")}|`);
  }
  return lines;
}
