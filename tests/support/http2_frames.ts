/** Frames of HTTP/2 (RFC 9113, section 4.1), for scripted servers. */

import { bigEndian, concat } from "../../src/base/bytes.ts";
import { encodeFields } from "../../src/http/hpack.ts";

/** A frame; the payload may be the fields of a header block. */
export function frame(
  type: number,
  flags = 0,
  stream = 0,
  payload: Uint8Array | Readonly<Record<string, string>> = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const bytes = payload instanceof Uint8Array ? payload : encodeFields(Object.entries(payload));
  return concat([bigEndian(bytes.length, 3), Uint8Array.of(type, flags), bigEndian(stream, 4), bytes]);
}

/** The settings that a server begins with: none. */
export const SETTINGS = frame(4);
/** Header fields that end neither their block nor the response, END_HEADERS, END_STREAM, and both. */
export const [OPEN, BLOCK, END, WHOLE] = [0, 4, 1, 5];
