/**
 * The datagrams of a measurement: a header, then padding. All numbers are
 * big-endian.
 *
 * | offset | bytes | field |
 * | --- | --- | --- |
 * | 0 | 4 | `PLYP` for a probe, `PLYQ` for the question what has come of a stream |
 * | 4 | 4 | number of the stream, picked by chance |
 * | 8 | 4 | sequence number, from 0; in a question the count of probes that were sent |
 * | 12 | 8 | when it was sent, milliseconds by the sender's clock, IEEE 754 |
 *
 * @module
 */

/** Bytes of the header, and so the least size of a probe. */
export const PROBE_HEADER_BYTES = 20;

/** A question is this long, so that its answer need not be longer. */
export const QUESTION_BYTES = 1_200;

const PROBE = 0x504c5950;
const QUESTION = 0x504c5951;

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
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(0, probe.kind === "probe" ? PROBE : QUESTION);
  view.setUint32(4, probe.stream);
  view.setUint32(8, probe.seq);
  view.setFloat64(12, probe.sentMs);
}

/** The header of a datagram, or `undefined` where it is none of a measurement. */
export function readProbe(bytes: Uint8Array): Probe | undefined {
  if (bytes.length < PROBE_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const magic = view.getUint32(0);
  if (magic !== PROBE && magic !== QUESTION) return undefined;
  return {
    kind: magic === PROBE ? "probe" : "question",
    stream: view.getUint32(4),
    seq: view.getUint32(8),
    sentMs: view.getFloat64(12),
  };
}
