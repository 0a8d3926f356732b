import { equalBytes, indexOfBytes } from "../base/bytes.ts";
import type { Captures } from "./payload.ts";

/** Where a pattern was found. */
export interface Match {
  /** In bytes. */
  readonly start: number;
  /** In bytes, exclusive. */
  readonly end: number;
  /** What the groups of a regular expression captured. */
  readonly captures: Captures;
}

const NO_CAPTURES: Captures = new Map();

/** Finds the first occurrence of bytes. */
export function matchBytes(wanted: Uint8Array, bytes: Uint8Array): Match | undefined {
  const start = indexOfBytes(bytes, wanted);
  return start === -1 ? undefined : { start, end: start + wanted.length, captures: NO_CAPTURES };
}

/** Whether the bytes start with or equal the expected ones; `undefined` if more data may still make them match. */
export function matchExact(wanted: Uint8Array, bytes: Uint8Array, isWhole: boolean): Match | false | undefined {
  const common = Math.min(wanted.length, bytes.length);
  const agrees = equalBytes(wanted.subarray(0, common), bytes.subarray(0, common));
  if (!agrees || isWhole && wanted.length !== bytes.length) return false;
  return bytes.length < wanted.length ? undefined : { start: 0, end: wanted.length, captures: NO_CAPTURES };
}

/** Finds the first match of a regular expression. UTF-8 is matched as text, other bytes as Latin-1. */
export function matchRegex(regex: RegExp, bytes: Uint8Array): Match | undefined {
  const { text, lengthOf } = readText(bytes);
  const found = regex.exec(text);
  if (!found) return undefined;
  const start = lengthOf(text.slice(0, found.index));
  const groups = [...found.slice(1).entries()].map(([index, value]) => [String(index + 1), value] as const);
  const all = [...groups, ...Object.entries(found.groups ?? {})];
  const captures = new Map(all.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]));
  return { start, end: start + lengthOf(found[0]), captures };
}

function readText(bytes: Uint8Array): { text: string; lengthOf: (text: string) => number } {
  try {
    // Decoded as a stream, which omits an incomplete last character.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return { text, lengthOf: (part) => new TextEncoder().encode(part).length };
  } catch {
    // A strict decoder throws only for invalid UTF-8.
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return { text, lengthOf: (part) => part.length };
  }
}
