/**
 * The defaults of all limits. Times are in milliseconds, sizes in bytes.
 *
 * @module
 */

/** Defaults of the library, also shown in `--help`. */
export const DEFAULTS = {
  /** Host of an endpoint without one: network exposure is opt-in. */
  host: "127.0.0.1",
  /**
   * Listen backlog; with Deno's default of 511, thousands of simultaneous clients would wait for SYN retransmissions.
   */
  backlog: 4_096,
  connectTimeoutMs: 10_000,
  resolveTimeoutMs: 5_000,
  /** Delay before the next address is tried in parallel (RFC 8305, section 5). */
  attemptDelayMs: 250,
  handshakeTimeoutMs: 5_000,
  writeTimeoutMs: 10_000,
  drainTimeoutMs: 10_000,
  /** How long a client waits for the peer to end the stream after its own end. */
  replyTimeoutMs: 5_000,
  readBufferBytes: 128,
  readBufferMostBytes: 256 * 1_024,
  outboxBytes: 1024 * 1_024,
  lineBytes: 4_096,
  /** A longer line without a line end closes the connection. */
  lineHardBytes: 16 * 1_024,
  messageBytes: 1024 * 1_024,
  webSocketMessageBytes: 64 * 1_024,
  httpHeadBytes: 16 * 1_024,
  httpHeadTimeoutMs: 5_000,
  httpBodyBytes: 1024 * 1_024,
  httpBodyTimeoutMs: 10_000,
  pingIntervalMs: 25_000,
  pongTimeoutMs: 10_000,
  logInTimeoutMs: 10_000,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 256,
  /** Maximum payload of a UDP datagram over IPv4: 65,535 minus the headers (RFC 768, RFC 791). */
  datagramBytes: 65_507,
} as const;
