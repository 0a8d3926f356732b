/**
 * Numeric IP addresses as bytes.
 *
 * @module
 */

import { equalBytes, formatHex } from "./bytes.ts";

const ZERO = 0x30;

/**
 * Bytes of an IP address: 4 for IPv4 (dotted decimal, no leading zeros, RFC 6943 section 3.1.1), 16 for IPv6 (RFC 4291,
 * section 2.2), or `undefined` if the text is neither. A zone (`%eth0`) is rejected: it has a meaning on one machine
 * only.
 */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Whether the text is a numeric IPv4 or IPv6 address. */
export function isIp(text: string): boolean {
  return parseIp(text) !== undefined;
}

/** Splits `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`; `undefined` if it is none of them. */
export function splitHostPort(text: string): { host: string; port: number | undefined } | undefined {
  const [, bracketed, plain = "", digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? undefined : Number(digits);
  return host === "" || port !== undefined && port > 65_535 ? undefined : { host, port };
}

/** Whether the text is an address of this machine's loopback interface (RFC 1122, RFC 4291 section 2.5.3). */
export function isLoopback(text: string): boolean {
  // Checked several times for every connection, so without an array for the usual case.
  if (!text.includes(":")) return (ipv4Number(text) ?? 0) >>> 24 === 127;
  const bytes = parseIp(text);
  if (bytes === undefined) return false;
  const ipv4 = ipv4OfMapped(bytes);
  if (ipv4) return ipv4[0] === 127;
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** Whether the text is an address of a multicast group: 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291 section 2.7). */
export function isMulticast(text: string): boolean {
  const bytes = parseIp(text);
  if (bytes === undefined) return false;
  const ipv4 = ipv4OfMapped(bytes);
  return ipv4 ? (ipv4[0] ?? 0) >> 4 === 0xe : bytes[0] === 0xff;
}

/**
 * Whether both texts denote the same address: `::1` and `0:0::1`, `127.0.0.1` and `::ffff:127.0.0.1`. `false` if either
 * is not an address.
 */
export function isSameIp(a: string, b: string): boolean {
  const left = parseIp(a);
  const right = left && parseIp(b);
  if (left === undefined || right === undefined) return false;
  return equalBytes(unmapped(left), unmapped(right));
}

/** Whether the text is `0.0.0.0` or `::`. */
export function isUnspecified(text: string): boolean {
  const bytes = parseIp(text);
  return bytes !== undefined && unmapped(bytes).every((byte) => byte === 0);
}

/**
 * Replaces an unspecified address (`0.0.0.0`, `::`), which cannot be a destination, by the loopback address of its
 * family. Any other text is returned unchanged.
 */
export function targetAddress(text: string): string {
  if (!isUnspecified(text)) return text;
  const bytes = parseIp(text);
  return bytes && ipv4OfMapped(bytes) ? "127.0.0.1" : "::1";
}

/** Formats an address of 4 or 16 bytes (RFC 5952). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => formatHex(bytes.subarray(2 * index, 2 * index + 2)));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** The address as IPv4 if it is one mapped into IPv6, in its canonical text; any other text is returned unchanged. */
export function plainIp(text: string): string {
  const bytes = parseIp(text);
  return bytes === undefined ? text : formatIp(unmapped(bytes));
}

/** The four bytes of an IPv4 or IPv4-mapped address (`::ffff:1.2.3.4`, RFC 4291 section 2.5.5.2). */
export function ipv4OfMapped(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === 4) return bytes;
  const mapped = bytes.subarray(0, 12).every((byte, index) => byte === (index < 10 ? 0 : 0xff));
  return mapped ? bytes.subarray(12) : undefined;
}

/** The IPv4 address of an IPv4-mapped one; any other address unchanged. */
export function unmapped(bytes: Uint8Array): Uint8Array {
  return ipv4OfMapped(bytes) ?? bytes;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const number = ipv4Number(text);
  return number === undefined ? undefined : Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/** Character by character, because this runs for every connection and regular expressions are slower. */
function ipv4Number(text: string): number | undefined {
  let address = 0;
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let index = 0; index <= text.length; index++) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit >= 0 && digit <= 9) {
      if (digits > 0 && value === 0) return undefined;
      value = value * 10 + digit;
      if (++digits > 3) return undefined;
    } else {
      const isEnd = index === text.length ? part === 3 : part < 3 && text[index] === ".";
      if (!isEnd || digits === 0 || value > 255) return undefined;
      part++;
      address = address << 8 | value;
      digits = value = 0;
    }
  }
  return address;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = parseGroups(halves[1] ?? "", true);
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (mayEndInIpv4 && index === groups.length - 1 && group.includes(".")) {
      const ipv4 = parseIpv4(group);
      if (!ipv4) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
