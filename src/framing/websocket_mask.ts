/**
 * Masking of WebSocket payloads (RFC 6455, section 5.3), four bytes at a time:
 * with large messages this is most of the work that a server does. A key is a
 * number here, its first byte the lowest: a view of four bytes for each frame
 * would cost more than a short message.
 *
 * @module
 */

/** Below this the view of words costs more than it saves. */
const WORDS_FROM_BYTES = 512;
/** The bit that no ASCII character has, in each byte of a word. */
const HIGH_BITS = 0x80808080;

/**
 * Masks or unmasks the bytes in place; doing it twice gives them back.
 *
 * @return Whether all of them are ASCII now: such text needs no other look.
 */
export function applyMask(bytes: Uint8Array, key: number): boolean {
  const { length } = bytes;
  if (length < WORDS_FROM_BYTES) return (maskBytes(bytes, key, 0, length) & 0x80) === 0;
  const { buffer, byteOffset } = bytes;
  const lead = -byteOffset & 3;
  const words = new Uint32Array(buffer, byteOffset + lead, (length - lead) >>> 2);
  const seen = maskBytes(bytes, key, 0, lead) | maskBytes(bytes, key, lead + words.length * 4, length);
  return (maskWords(words, turnKey(key, lead)) & HIGH_BITS) === 0 && (seen & 0x80) === 0;
}

/** Writes the masked bytes of `source` into `target` at `offset`. */
export function copyMasked(source: Uint8Array, key: number, target: Uint8Array, offset: number): void {
  target.set(source, offset);
  applyMask(target.subarray(offset, offset + source.length), key);
}

/** A key of four bytes, as they follow each other in a frame's head. */
export function maskKey(first: number, second: number, third: number, fourth: number): number {
  return first | second << 8 | third << 16 | fourth << 24;
}

/** As {@linkcode maskKey}, of bytes that are together. */
export function maskKeyOf([first = 0, second = 0, third = 0, fourth = 0]: Uint8Array): number {
  return maskKey(first, second, third, fourth);
}

/** The bits that one of the bytes has now are in the lowest byte of the result. */
function maskBytes(bytes: Uint8Array, key: number, from: number, to: number): number {
  let seen = 0;
  for (let at = from; at < to; at++) {
    const byte = (bytes[at] ?? 0) ^ key >>> ((at & 3) << 3);
    bytes[at] = byte;
    seen |= byte;
  }
  return seen;
}

/** The bits that one of the words has now. */
function maskWords(words: Uint32Array, key: number): number {
  const whole = words.length & ~7;
  let seen = 0;
  let at = 0;
  while (at < whole) {
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
    seen |= words[at] = (words[at++] ?? 0) ^ key;
  }
  for (; at < words.length; at++) seen |= words[at] = (words[at] ?? 0) ^ key;
  return seen;
}

/** The key as it is for bytes that begin at position `from` of the payload. */
export function turnKey(key: number, from: number): number {
  const bits = (from & 3) * 8;
  return bits === 0 ? key : key >>> bits | key << (32 - bits);
}
