/**
 * The datagrams of a measurement: a header, then zeros.
 *
 * | offset | bytes | field |
 * | --- | --- | --- |
 * | 0 | 4 | `PLYP` for a probe, `PLYQ` to query the report on a stream |
 * | 4 | 4 | stream number, random |
 * | 8 | 5 | sequence number, from 0; in a query the number of probes sent |
 * | 13 | 7 | time of sending, microseconds of the sender's clock |
 * | 20 | 5 | checksum of everything else: FNV-1a over 32-bit words |
 *
 * Numbers are big-endian with seven bits in each byte and the eighth set. The
 * header contains no lower-case letter, so that `serve upper` returns it intact.
 *
 * @module
 */

import { viewOf } from "../../base/bytes.ts";

/** Size of the header, which is the minimum size of a probe. */
export const PROBE_HEADER_BYTES = 25;

/** Size of a query, which is not smaller than the report, so that the sink does not amplify. */
export const QUERY_BYTES = 1_200;

const PROBE = 0x504c5950;
const QUERY = 0x504c5951;
const CHECKSUM_OFFSET = 20;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Stream numbers are below this. */
export const STREAM_NUMBERS = 2 ** 28;

/** The header of a datagram. */
export interface Probe {
  readonly kind: "probe" | "query";
  readonly stream: number;
  /** In a query: the number of probes sent. */
  readonly seq: number;
  readonly sentMs: number;
}

/** Writes the header to the beginning of `bytes`; the checksum covers all of them. */
export function writeProbe(bytes: Uint8Array, probe: Probe): void {
  const view = viewOf(bytes);
  view.setUint32(0, probe.kind === "probe" ? PROBE : QUERY);
  writeNumber(bytes, 4, 4, probe.stream);
  writeNumber(bytes, 8, 5, probe.seq);
  writeNumber(bytes, 13, 7, Math.round(probe.sentMs * 1_000));
  writeNumber(bytes, CHECKSUM_OFFSET, 5, checksumOf(view));
}

/**
 * The header of a datagram; `"corrupted"` if it does not match its checksum;
 * `undefined` if the datagram is not part of a measurement.
 *
 * @param isOwnStream Recognizes a probe by its stream number if the first bytes are corrupted.
 */
export function readProbe(
  bytes: Uint8Array,
  isOwnStream: (stream: number) => boolean = () => false,
): Probe | "corrupted" | undefined {
  if (bytes.length < PROBE_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const magic = view.getUint32(0);
  const isKnown = magic === PROBE || magic === QUERY;
  const stream = readNumber(bytes, 4, 4);
  if (!isKnown) return isOwnStream(stream) ? "corrupted" : undefined;
  if (readNumber(bytes, CHECKSUM_OFFSET, 5) !== checksumOf(view)) return "corrupted";
  return {
    kind: magic === PROBE ? "probe" : "query",
    stream,
    seq: readNumber(bytes, 8, 5),
    sentMs: readNumber(bytes, 13, 7) / 1_000,
  };
}

/** Hashes words instead of bytes, for speed; a change within one word always changes the result. */
function checksumOf(view: DataView): number {
  let hash = FNV_OFFSET;
  const add = (value: number) => hash = Math.imul(hash ^ value, FNV_PRIME);
  for (let at = 0; at < CHECKSUM_OFFSET; at += 4) add(view.getUint32(at));
  let at = PROBE_HEADER_BYTES;
  for (; at + 4 <= view.byteLength; at += 4) add(view.getUint32(at));
  for (; at < view.byteLength; at++) add(view.getUint8(at));
  return hash >>> 0;
}

function writeNumber(bytes: Uint8Array, offset: number, length: number, value: number): void {
  // Division instead of shifts, because a time has more than 32 bits.
  for (let at = offset + length - 1; at >= offset; at--) {
    bytes[at] = 0x80 | value % 128;
    value = Math.floor(value / 128);
  }
}

/** `NaN` if an eighth bit is not set. */
function readNumber(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let at = offset; at < offset + length; at++) {
    const byte = bytes[at] ?? 0;
    value = byte < 0x80 ? NaN : value * 128 + (byte & 0x7f);
  }
  return value;
}
