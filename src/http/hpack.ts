/**
 * Header compression for HTTP/2 (HPACK, RFC 7541). The decoder reads everything; the encoder does not compress, since
 * a probe sends one short request.
 *
 * @module
 */

import { concat, latin1, leb128, utf8 } from "../base/bytes.ts";

/** A header field or pseudo-header field, such as `:status`. */
export type HeaderField = readonly [name: string, value: string];

/** What an entry counts for in a table beyond its name and its value (section 4.1). */
const ENTRY_OVERHEAD = 32;
/** Maximum size of the fields of one block: an index of one byte may stand for a field of 4 KiB. */
const MAX_FIELDS_BYTES = 64 * 1024;

/** Appendix A, from index 1. */
const STATIC_TABLE: readonly HeaderField[] = `
:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204
:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate
accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control
content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type
cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since
last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after
server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate
`.trim().split(/[|\n]/).map((field) => {
  const [, name = "", value = ""] = /^(\S+) ?(.*)$/.exec(field) ?? [];
  return [name, value];
});

/** Appendix B: the bits of the code of each byte, and of the end of the string. The codes follow from them. */
const CODE_LENGTHS = `
13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
30
`.trim().split(/\s+/).map(Number);

/** Symbols in the order of their codes: by length, then by value. */
const SYMBOLS = CODE_LENGTHS.map((length, symbol) => ({ length, symbol }))
  .toSorted((a, b) => a.length - b.length || a.symbol - b.symbol);
const END_OF_STRING = 256;

/** Encodes fields as literals that are not indexed, without Huffman codes (section 6.2.2). */
export function encodeFields(fields: readonly HeaderField[]): Uint8Array<ArrayBuffer> {
  return concat(fields.flatMap(([name, value]) => [Uint8Array.of(0), encodeString(name), encodeString(value)]));
}

function encodeString(text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length < 0x7f) return concat([Uint8Array.of(bytes.length), bytes]);
  return concat([Uint8Array.of(0x7f, ...leb128(bytes.length - 0x7f)), bytes]);
}

/** Decodes the header blocks of one connection, which share a table. */
export class HpackDecoder {
  readonly #limitBytes: number;
  /** The latest entry first. */
  readonly #dynamic: HeaderField[] = [];
  #dynamicBytes = 0;
  #maxBytes: number;

  /** `tableBytes` is SETTINGS_HEADER_TABLE_SIZE, as the peer knows it. */
  constructor(tableBytes = 4096) {
    this.#limitBytes = this.#maxBytes = tableBytes;
  }

  /** @throws {SyntaxError} The block is invalid, or its fields are longer than 64 KiB. */
  decode(block: Uint8Array): HeaderField[] {
    const input = new BlockReader(block);
    const fields: HeaderField[] = [];
    let size = 0;
    while (!input.isAtEnd) {
      const first = input.peek();
      if (first >> 5 === 0b001) {
        this.#resize(input.integer(5));
        continue;
      }
      const field = first >= 0x80 ? this.#at(input.integer(7)) : this.#literal(input, first);
      size += sizeOf(field);
      if (size > MAX_FIELDS_BYTES) throw new SyntaxError("the header fields are too long");
      fields.push(field);
    }
    return fields;
  }

  #literal(input: BlockReader, first: number): HeaderField {
    const isIndexed = first >= 0x40;
    const index = input.integer(isIndexed ? 6 : 4);
    const name = index === 0 ? input.string() : this.#at(index)[0];
    const field: HeaderField = [name, input.string()];
    if (isIndexed) {
      this.#dynamic.unshift(field);
      this.#dynamicBytes += sizeOf(field);
      this.#evict();
    }
    return field;
  }

  #at(index: number): HeaderField {
    const field = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#dynamic[index - STATIC_TABLE.length - 1];
    if (field === undefined) throw new SyntaxError(`there is no header field ${index}`);
    return field;
  }

  #resize(bytes: number): void {
    if (bytes > this.#limitBytes) throw new SyntaxError("the header table is too large");
    this.#maxBytes = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#dynamicBytes > this.#maxBytes) {
      const oldest = this.#dynamic.pop();
      if (oldest === undefined) return;
      this.#dynamicBytes -= sizeOf(oldest);
    }
  }
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

class BlockReader {
  readonly #block: Uint8Array;
  #at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  /** The next byte, which is then still to be read. */
  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new SyntaxError("the header block is cut off");
    return byte;
  }

  /** An integer with a prefix of this many bits (section 5.1). */
  integer(bits: number): number {
    const max = 2 ** bits - 1;
    let value = this.#byte() & max;
    if (value < max) return value;
    for (let shift = 0;; shift += 7) {
      // Nothing here is longer than 2^21 bytes.
      if (shift > 14) throw new SyntaxError("an integer of the header block is too large");
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** A string, as it is or in Huffman codes (section 5.2). */
  string(): string {
    const isCoded = this.peek() >= 0x80;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new SyntaxError("the header block is cut off");
    this.#at += length;
    return latin1(isCoded ? decodeHuffman(bytes) : bytes);
  }

  #byte(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

/** For each length of a code: its first code, and the place of that code in `SYMBOLS`. */
const FIRST_CODES = (() => {
  const firsts: { code: number; place: number; count: number }[] = [];
  let code = 0;
  for (let length = 0, place = 0; length <= Math.max(...CODE_LENGTHS); length++) {
    const count = CODE_LENGTHS.filter((each) => each === length).length;
    firsts.push({ code, place, count });
    code = (code + count) * 2;
    place += count;
  }
  return firsts;
})();

function decodeHuffman(bytes: Uint8Array): Uint8Array {
  const decoded: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + (byte >> bit & 1);
      const first = FIRST_CODES[++length];
      if (first === undefined || code - first.code >= first.count) continue;
      const symbol = SYMBOLS[first.place + code - first.code]?.symbol ?? END_OF_STRING;
      if (symbol === END_OF_STRING) throw new SyntaxError("a Huffman code ends the string");
      decoded.push(symbol);
      code = length = 0;
    }
  }
  // The last byte is filled up with the first bits of the code that ends the string, which are ones.
  if (length > 7 || code !== 2 ** length - 1) throw new SyntaxError("a Huffman code is cut off");
  return Uint8Array.from(decoded);
}
