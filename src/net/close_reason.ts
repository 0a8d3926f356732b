/** Why a connection ended: one word list for logs, metrics and `Connection.closeReason`. */
export type CloseReason =
  /** Both sides were done. */
  | "done"
  /** The peer ended first. */
  | "peer closed"
  /** One side reset the connection. */
  | "reset"
  | "idle timeout"
  | "first byte timeout"
  | "lifetime"
  | "write timeout"
  /** More was queued for it than its outbox holds. */
  | "slow consumer"
  | "handshake timeout"
  | "handshake failed"
  | "bad message"
  /** Too many connections, too many of one address, or a rate. */
  | "limit"
  /** The access list, the Origin check or the log-in said no. */
  | "denied"
  | "log-in timeout"
  | "ping timeout"
  | "kicked"
  /** The server is ending. */
  | "drain"
  /** The caller's signal. */
  | "aborted"
  /** A bug in this program. */
  | "error";
