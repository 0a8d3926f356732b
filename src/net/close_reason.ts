/** Close reasons, shared by logs, metrics and `Connection.closeReason`. */
export type CloseReason =
  /** Both sides ended normally. */
  | "done"
  /** The peer ended first. */
  | "peer closed"
  /** One side reset the connection. */
  | "reset"
  | "idle timeout"
  | "first byte timeout"
  | "lifetime"
  | "write timeout"
  /** More data was queued for the peer than its outbox holds. */
  | "slow consumer"
  | "handshake timeout"
  | "handshake failed"
  | "bad message"
  /** Too many connections in all or from one address, or a rate limit. */
  | "limit"
  /** Rejected by the access list, the Origin check or the login. */
  | "denied"
  | "log-in timeout"
  | "ping timeout"
  | "kicked"
  /** The server is shutting down. */
  | "drain"
  /** Aborted by the caller's signal. */
  | "aborted"
  /** A bug in this program. */
  | "error";
