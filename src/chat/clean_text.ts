import { ChatError } from "./chat_error.ts";

/** Longest message, in characters. */
export const TEXT_LENGTH = 4_096;

/** Most lines of a message: the text wire names the sender in each of them. */
const TEXT_LINES = 100;

/** Longest topic, and longest reason of a kick or a ban, in characters. */
export const TOPIC_LENGTH = 300;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * What a terminal or a browser would obey instead of show: control characters
 * (ECMA-48), line separators, and marks that turn the writing direction.
 *
 * SOH (U+0001) stays: terminals ignore it, and IRC's CTCP and load generators
 * mark messages with it.
 */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00\x02-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EVERY_UNSAFE = new RegExp(UNSAFE, "g");

/** The text with all that must not reach a terminal shown as escapes; tabs and line ends become spaces. */
export function cleanText(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replaceAll(/\t|\r?\n/g, " ").replaceAll(EVERY_UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The text of bytes, or `undefined` where they are not UTF-8 (RFC 3629). */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // TypeError: not UTF-8, which is an answer here.
    return undefined;
  }
}

/** Bytes that no text has, whatever its encoding: NUL, and what neither an editor nor a terminal sends. */
const BINARY = new Set([0, 2, 3, 4, 5, 6, 0x0e, 0x0f, 0x10, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a]);

/** Whether bytes that are not UTF-8, or hold NUL, are not even text of another encoding. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.some((byte) => BINARY.has(byte));
}

/**
 * What a member says, made safe to show; of all control characters only the
 * line ends inside it are left, as `\n`.
 *
 * @throws {ChatError} Nothing is left to show, or too much.
 */
export function checkText(text: string): string {
  const given = UNSAFE.test(text) ? withoutBlankEnds(text) : text;
  checkLength("text", given, TEXT_LENGTH);
  const clean = cleanLines(given.toWellFormed());
  // Escapes are longer than what they stand for.
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

/** The text without blank lines at its ends; a regular expression for that takes quadratic time. */
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
 * What a room is about, or why someone is taken out of it, made safe to show.
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
