/**
 * Masking of WebSocket payloads (RFC 6455, section 5.3), four bytes at a time:
 * with large messages this is most of the work that a server does.
 *
 * @module
 */

/** Below this the view of words costs more than it saves. */
const WORDS_FROM_BYTES = 512;

/** Masks or unmasks the bytes in place; doing it twice gives them back. */
export function applyMask(bytes: Uint8Array, key: Uint8Array): void {
  const { length } = bytes;
  if (length < WORDS_FROM_BYTES) return maskBytes(bytes, key, 0, length);
  const { buffer, byteOffset } = bytes;
  const lead = -byteOffset & 3;
  maskBytes(bytes, key, 0, lead);
  const words = new Uint32Array(buffer, byteOffset + lead, (length - lead) >>> 2);
  maskWords(words, keyWord(key, lead));
  maskBytes(bytes, key, lead + words.length * 4, length);
}

/** Writes the masked bytes of `source` into `target` at `offset`. */
export function copyMasked(source: Uint8Array, key: Uint8Array, target: Uint8Array, offset: number): void {
  target.set(source, offset);
  applyMask(target.subarray(offset, offset + source.length), key);
}

function maskBytes(bytes: Uint8Array, key: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at++) bytes[at] = (bytes[at] ?? 0) ^ (key[at & 3] ?? 0);
}

function maskWords(words: Uint32Array, key: number): void {
  const whole = words.length & ~7;
  let at = 0;
  while (at < whole) {
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
    words[at] = (words[at++] ?? 0) ^ key;
  }
  for (; at < words.length; at++) words[at] = (words[at] ?? 0) ^ key;
}

/** The key as a word that begins with the byte for position `from`; every platform of Deno is little-endian. */
function keyWord(key: Uint8Array, from: number): number {
  let word = 0;
  for (let at = 3; at >= 0; at--) word = word << 8 | (key[(from + at) & 3] ?? 0);
  return word;
}
