import { ChatError } from "./chat_error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * What a terminal or a browser would obey instead of show: control characters
 * (ECMA-48), line separators, and marks that turn the writing direction.
 *
 * SOH (U+0001) stays: terminals ignore it, and IRC's CTCP and load generators
 * mark messages with it.
 */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00\x02-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EVERY_UNSAFE = new RegExp(UNSAFE, "g");

/** The text with everything that must not reach a terminal shown as an escape; a tab becomes a space. */
export function cleanText(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replaceAll("\t", " ").replaceAll(EVERY_UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
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

/**
 * What a member says, made safe to show.
 *
 * @throws {ChatError} Nothing is left to show.
 */
export function checkText(text: string): string {
  const clean = cleanText(text.isWellFormed() ? text : text.toWellFormed());
  if (clean.trim() === "") {
    throw new ChatError("bad-request", "A message has at least one character", { field: "text" });
  }
  return clean;
}
