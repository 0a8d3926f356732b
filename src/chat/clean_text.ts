import { ChatError } from "./chat_error.ts";

/** Maximum length of a message, in characters. */
export const TEXT_LENGTH = 4_096;

/** Maximum lines of a message; the text format repeats the sender in each. */
const TEXT_LINES = 100;

/** Maximum length of a topic, and of the reason of a kick or a ban, in characters. */
export const TOPIC_LENGTH = 300;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Characters that a terminal or a browser would interpret: control characters (ECMA-48), line separators, and
 * bidirectional formatting.
 *
 * SOH (U+0001) stays: terminals ignore it, and IRC's CTCP and load generators mark messages with it.
 */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00\x02-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EVERY_UNSAFE = new RegExp(UNSAFE, "g");

/** Escapes characters that must not reach a terminal; tabs and line ends become spaces. */
export function cleanText(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replaceAll(/\t|\r?\n/g, " ").replaceAll(EVERY_UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** Up to this length ASCII is decoded by a loop, which costs less than a call of the decoder. */
const SHORT_TEXT = 128;

/** Decodes UTF-8 (RFC 3629); `undefined` if invalid. */
export function decodeText(bytes: Uint8Array): string | undefined {
  const ascii = bytes.length <= SHORT_TEXT ? decodeAscii(bytes) : undefined;
  if (ascii !== undefined) return ascii;
  try {
    return decoder.decode(bytes);
  } catch {
    // TypeError means invalid UTF-8.
    return undefined;
  }
}

/** Reused by each call, because a new array would be most of what a message allocates. */
const CODES: number[] = [];

/** Decodes ASCII; `undefined` if there is any other byte. */
function decodeAscii(bytes: Uint8Array): string | undefined {
  CODES.length = bytes.length;
  for (let index = 0; index < bytes.length; index++) {
    const code = bytes[index] ?? 0;
    if (code >= 0x80) return undefined;
    CODES[index] = code;
  }
  return String.fromCharCode.apply(undefined, CODES);
}

/** Bytes that occur in no text encoding: NUL, and control characters that neither editors nor terminals send. */
const BINARY = new Set([0, 2, 3, 4, 5, 6, 0x0e, 0x0f, 0x10, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a]);

/** Whether bytes that are not UTF-8, or hold NUL, are not even text of another encoding. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.some((byte) => BINARY.has(byte));
}

/**
 * Sanitizes a message; the only control characters left are line ends inside it, as `\n`.
 *
 * @throws {ChatError} The message is empty or too long.
 */
export function checkText(text: string): string {
  const isSafe = !UNSAFE.test(text);
  const given = isSafe ? text : withoutBlankEnds(text);
  checkLength("text", given, TEXT_LENGTH);
  const clean = isSafe ? text.toWellFormed() : cleanLines(given.toWellFormed());
  // Escapes are longer than the characters they replace.
  checkLength("text", clean, TEXT_LENGTH);
  if (clean.trim() === "") {
    throw new ChatError("bad-request", "A message has at least one character", { field: "text" });
  }
  return clean;
}

function checkLength(field: "text" | "topic" | "reason", text: string, max: number): void {
  if (text.length <= max) return;
  const what = field === "text" ? "message" : field;
  throw new ChatError("too-long", `A ${what} has at most ${max} characters`, { field });
}

/** Removes blank lines at both ends; a regular expression would take quadratic time. */
function withoutBlankEnds(text: string): string {
  const indented = text.length - text.trimStart().length;
  return text.slice(text.lastIndexOf("\n", indented) + 1).trimEnd();
}

function cleanLines(text: string): string {
  if (!UNSAFE.test(text)) return text;
  const lines = text.split(/\r?\n/);
  if (lines.length > TEXT_LINES) {
    throw new ChatError("too-long", `A message has at most ${TEXT_LINES} lines`, { field: "text" });
  }
  return lines.map(cleanText).join("\n");
}

/**
 * Sanitizes a topic or the reason of a kick or a ban.
 *
 * @throws {ChatError} It is too long.
 */
export function checkLine(field: "topic" | "reason", text: string): string {
  const given = text.trim();
  checkLength(field, given, TOPIC_LENGTH);
  const clean = cleanText(given.toWellFormed());
  checkLength(field, clean, TOPIC_LENGTH);
  return clean;
}
