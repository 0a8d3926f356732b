/**
 * Masking of WebSocket payloads (RFC 6455, section 5.3), four bytes at a time: for large messages this is most of a
 * server's work. A key is a number with its first byte lowest, because a four-byte view per frame costs more than
 * masking a short message.
 *
 * @module
 */

/** Shorter payloads are masked byte by byte: the view of words costs more than it saves. */
const WORDS_FROM_BYTES = 512;
/** The bit that is clear in ASCII, in each byte of a word. */
const HIGH_BITS = 0x80808080;

/**
 * Masks or unmasks the bytes in place; the operation is its own inverse.
 *
 * @return Whether the result is ASCII, which needs no UTF-8 validation.
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

/** Writes `source`, masked, into `target` at `offset`. */
export function copyMasked(source: Uint8Array, key: number, target: Uint8Array, offset: number): void {
  target.set(source, offset);
  applyMask(target.subarray(offset, offset + source.length), key);
}

/** The key from the four bytes of a frame's header. */
export function maskKey(first: number, second: number, third: number, fourth: number): number {
  return first | second << 8 | third << 16 | fourth << 24;
}

/** Like {@linkcode maskKey}, from an array. */
export function maskKeyOf([first = 0, second = 0, third = 0, fourth = 0]: Uint8Array): number {
  return maskKey(first, second, third, fourth);
}

/** The lowest byte of the result is the OR of all bytes. */
function maskBytes(bytes: Uint8Array, key: number, from: number, to: number): number {
  let seen = 0;
  for (let at = from; at < to; at++) {
    const byte = (bytes[at] ?? 0) ^ key >>> ((at & 3) << 3);
    bytes[at] = byte;
    seen |= byte;
  }
  return seen;
}

/** The OR of all words. */
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

/** The key rotated for bytes that start at position `from` of the payload. */
export function turnKey(key: number, from: number): number {
  const bits = (from & 3) * 8;
  return bits === 0 ? key : key >>> bits | key << (32 - bits);
}
