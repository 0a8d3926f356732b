/** TCP statistics of the kernel. */
export interface TcpInfo {
  /** Smoothed round-trip time, in microseconds (RFC 6298). */
  readonly roundTripUs: number;
  /** Its variance, in microseconds. */
  readonly roundTripVarianceUs: number;
  /** Maximum segment size for sending, in bytes. */
  readonly sendSegmentBytes: number;
  /** Segments retransmitted over the connection's lifetime. */
  readonly retransmits: number;
  /** Congestion window, in segments. */
  readonly congestionWindow: number;
}

/** Bytes of `struct tcp_info` to read: up to `tcpi_total_retrans`. */
export const TCP_INFO_BYTES = 104;

/**
 * Decodes `struct tcp_info` (linux/tcp.h): eight bytes of flags, then 32-bit fields in the machine's byte order.
 *
 * @returns `undefined` if the kernel returned too few bytes.
 */
export function readTcpInfo(bytes: Uint8Array<ArrayBuffer>): TcpInfo | undefined {
  if (bytes.length < TCP_INFO_BYTES) return undefined;
  const fields = new Uint32Array(bytes.buffer, bytes.byteOffset + 8, (TCP_INFO_BYTES - 8) / 4);
  const field = (index: number) => fields[index] ?? 0;
  return {
    sendSegmentBytes: field(2),
    roundTripUs: field(15),
    roundTripVarianceUs: field(16),
    congestionWindow: field(18),
    retransmits: field(23),
  };
}
