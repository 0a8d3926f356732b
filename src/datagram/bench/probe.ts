/**
 * The datagrams of a measurement: a header, then padding.
 *
 * | offset | bytes | field |
 * | --- | --- | --- |
 * | 0 | 4 | `PLYP` for a probe, `PLYQ` for the question what has come of a stream |
 * | 4 | 4 | number of the stream, picked by chance |
 * | 8 | 5 | sequence number, from 0; in a question the count of probes that were sent |
 * | 13 | 7 | when it was sent, microseconds by the sender's clock |
 *
 * The numbers are big-endian, seven bits a byte and the eighth set: no byte of
 * the header is a small letter, so that a probe can come back in upper case.
 *
 * @module
 */

/** Bytes of the header, and so the least size of a probe. */
export const PROBE_HEADER_BYTES = 20;

/** A question is this long, so that its answer need not be longer. */
export const QUESTION_BYTES = 1_200;

const PROBE = 0x504c5950;
const QUESTION = 0x504c5951;

/** Streams are numbered below this. */
export const STREAM_NUMBERS = 2 ** 28;

/** What a datagram of a measurement says. */
export interface Probe {
  readonly kind: "probe" | "question";
  readonly stream: number;
  /** Of a question: how many probes were sent. */
  readonly seq: number;
  readonly sentMs: number;
}

/** Writes the header to the beginning of `bytes`. */
export function writeProbe(bytes: Uint8Array, probe: Probe): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, probe.kind === "probe" ? PROBE : QUESTION);
  writeNumber(bytes, 4, 4, probe.stream);
  writeNumber(bytes, 8, 5, probe.seq);
  writeNumber(bytes, 13, 7, Math.round(probe.sentMs * 1_000));
}

/** The header of a datagram, or `undefined` where it is none of a measurement. */
export function readProbe(bytes: Uint8Array): Probe | undefined {
  if (bytes.length < PROBE_HEADER_BYTES) return undefined;
  const magic = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (magic !== PROBE && magic !== QUESTION) return undefined;
  return {
    kind: magic === PROBE ? "probe" : "question",
    stream: readNumber(bytes, 4, 4),
    seq: readNumber(bytes, 8, 5),
    sentMs: readNumber(bytes, 13, 7) / 1_000,
  };
}

function writeNumber(bytes: Uint8Array, offset: number, length: number, value: number): void {
  // Division, not shifts: a time has more than 32 bits.
  for (let at = offset + length - 1; at >= offset; at--) {
    bytes[at] = 0x80 | value % 128;
    value = Math.floor(value / 128);
  }
}

function readNumber(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let at = offset; at < offset + length; at++) value = value * 128 + ((bytes[at] ?? 0) & 0x7f);
  return value;
}
