/**
 * Writes ASN.1 values in DER (ITU-T X.690), as much as a certificate needs.
 *
 * @module
 */

import { concat, utf8 } from "../../src/base/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** One value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Bytes {
  const body = concat(content);
  return concat([Uint8Array.of(tag), lengthOf(body.length), body]);
}

export const sequence = (...items: readonly Uint8Array[]): Bytes => der(0x30, ...items);
export const setOf = (...items: readonly Uint8Array[]): Bytes => der(0x31, ...items);
export const boolean = (value: boolean): Bytes => der(0x01, Uint8Array.of(value ? 0xff : 0));
export const octets = (content: Uint8Array): Bytes => der(0x04, content);
export const bits = (content: Uint8Array, unused = 0): Bytes => der(0x03, Uint8Array.of(unused), content);
export const text = (value: string): Bytes => der(0x0c, utf8(value));

/** A whole number that is not negative, from its bytes, the most significant first, in as few bytes as it takes. */
export function integer(bytes: Uint8Array): Bytes {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? bytes.subarray(0, 1) : bytes.subarray(start);
  return der(0x02, (digits[0] ?? 0) >= 0x80 ? concat([Uint8Array.of(0), digits]) : digits);
}

/** An object identifier such as `2.5.29.17`. */
export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const encoded = [first * 40 + second, ...rest.flatMap(base128)];
  return der(0x06, Uint8Array.from(encoded));
}

/** A time with four digits of the year (GeneralizedTime). */
export function time(date: Date): Bytes {
  return der(0x18, utf8(`${date.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`));
}

function lengthOf(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Uint8Array.of(0x80 + bytes.length, ...bytes);
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) groups.unshift(0x80 | rest & 0x7f);
  return groups;
}
