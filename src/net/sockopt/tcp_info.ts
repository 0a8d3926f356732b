/** The kernel's view of a TCP connection. */
export interface TcpInfo {
  /** Smoothed round-trip time, in microseconds (RFC 6298). */
  readonly roundTripUs: number;
  /** Its variance, in microseconds. */
  readonly roundTripVarianceUs: number;
  /** Largest segment that is sent, in bytes. */
  readonly sendSegmentBytes: number;
  /** Segments that were sent again since the connection began. */
  readonly retransmits: number;
  /** Congestion window, in segments. */
  readonly congestionWindow: number;
}

/** Bytes of `struct tcp_info` that are asked for: up to `tcpi_total_retrans`. */
export const TCP_INFO_BYTES = 104;

/**
 * Reads `struct tcp_info` (linux/tcp.h): eight bytes of flags, then 32-bit
 * fields in the machine's byte order.
 *
 * @returns `undefined` if the kernel gave fewer bytes than these fields take.
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
