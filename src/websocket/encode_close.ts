import { concat } from "../base/bytes.ts";

/** A control frame carries 125 bytes at the most (RFC 6455, section 5.5), two of them the code. */
const TEXT_BYTES = 123;

/** The payload of a Close frame: the code and a text for people, cut to fit. */
export function encodeClose(code: number, text: string): Uint8Array {
  return concat([Uint8Array.of(code >>> 8, code & 0xff), cutUtf8(text)]);
}

/** The text's bytes, cut before the character that would not fit. */
function cutUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(TEXT_BYTES);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return bytes.subarray(0, written);
}
