import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import type { ClosedReport, ConnectionReport, ConnectionTotals, StatsSnapshot, StatsSource } from "./stats_snapshot.ts";

/** Number of closed connections to keep. */
const MAX_RECENT = 128;

type Counts = Omit<ConnectionReport, "endpoint" | "peer" | "proxy">;

/** A closed connection in compact form; formatted on demand. */
interface Closed extends Pick<ClosedReport, "reason" | "error"> {
  readonly counts: Counts;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly proxy: Endpoint | undefined;
  readonly closedAtMs: number;
}

/**
 * Statistics of a server and its connections. Each connection counts in its own fields; they are added up on demand and
 * when it ends.
 */
export class ServerStats implements StatsSource {
  /** Connections accepted, including rejected ones. */
  accepted = 0;
  /** Failed accepts. */
  acceptErrors = 0;
  /** Maximum bytes queued in an outbox. */
  outboxHighWater = 0;
  /** Whether the server has stopped accepting. */
  isEnding = false;
  /** Why the service is not ready, if so. */
  faultOf: () => string | undefined = () => undefined;
  /** The connection to the target, in a relay. */
  upstreamOf: ((connection: Connection) => object | undefined) | undefined;
  readonly #open = new Set<Connection>();
  readonly #closed = new Map<CloseReason, number>();
  readonly #tlsFailures = new Map<string, number>();
  readonly #recent: Closed[] = [];
  readonly #closedTotals: ConnectionTotals = { bytesRead: 0, bytesWritten: 0, messagesRead: 0, messagesWritten: 0 };

  /** Open connections, oldest first. */
  get open(): ReadonlySet<Connection> {
    return this.#open;
  }

  /** Closed connections by reason. */
  get closedByReason(): ReadonlyMap<CloseReason, number> {
    return this.#closed;
  }

  /** Failed TLS handshakes by reason, from `TlsError` and `Connection.closeReason`. */
  get tlsFailures(): ReadonlyMap<string, number> {
    return this.#tlsFailures;
  }

  /** Recently closed connections, latest first. */
  get recentlyClosed(): readonly ClosedReport[] {
    return this.#recent.map(reportOfClosed).reverse();
  }

  /** Adds an open connection. */
  opened(connection: Connection): void {
    this.accepted++;
    this.#open.add(connection);
  }

  /** Counts a failed TLS handshake. */
  tlsFailed(reason: string): void {
    this.#tlsFailures.set(reason, (this.#tlsFailures.get(reason) ?? 0) + 1);
  }

  /** Removes a connection that has ended, or is about to for the given reason. */
  closed(connection: Connection, reason: CloseReason = connection.closeReason ?? "error"): void {
    const error = connection.closeError?.message;
    this.#open.delete(connection);
    this.#closed.set(reason, (this.#closed.get(reason) ?? 0) + 1);
    this.outboxHighWater = Math.max(this.outboxHighWater, connection.outboxHighWater);
    addTo(this.#closedTotals, connection);
    const { local, remote, proxy } = connection;
    this.#recent.push({ counts: countsOf(connection), local, remote, proxy, closedAtMs: Date.now(), reason, error });
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
  }

  /** The statistics as plain data. */
  snapshot(withConnections: boolean): Promise<StatsSnapshot> {
    const totals = this.totals();
    return Promise.resolve({
      accepted: this.accepted,
      acceptErrors: this.acceptErrors,
      outboxHighWater: this.outboxHighWater,
      isEnding: this.isEnding,
      fault: this.faultOf(),
      openCount: this.#open.size,
      closedByReason: Object.fromEntries(this.#closed),
      tlsFailures: Object.fromEntries(this.#tlsFailures),
      totals,
      open: withConnections
        ? Array.from(this.#open, (connection) => ({ ...reportOf(connection), upstream: this.upstreamOf?.(connection) }))
        : [],
      recentlyClosed: withConnections ? this.recentlyClosed : [],
    });
  }

  /** Totals over all connections. */
  totals(): Readonly<ConnectionTotals> {
    const totals = { ...this.#closedTotals };
    for (const connection of this.#open) {
      addTo(totals, connection);
      this.outboxHighWater = Math.max(this.outboxHighWater, connection.outboxHighWater);
    }
    return totals;
  }
}

/** Describes a connection. */
function reportOf(connection: Connection): ConnectionReport {
  return {
    ...countsOf(connection),
    ...endsOf(connection),
  };
}

function endsOf({ local, remote, proxy }: Pick<Closed, "local" | "remote" | "proxy">) {
  return {
    endpoint: formatEndpoint(local),
    peer: formatEndpoint(remote),
    ...(proxy === undefined ? {} : { proxy: formatEndpoint(proxy) }),
  };
}

function countsOf(connection: Connection): Counts {
  const { id, ageMs, idleMs, bytesRead, bytesWritten, messagesRead, messagesWritten } = connection;
  return {
    id,
    ageMs: Math.round(ageMs),
    idleMs: Math.round(idleMs),
    bytesRead,
    bytesWritten,
    messagesRead,
    messagesWritten,
    queuedBytes: connection.queuedBytes,
    outboxHighWater: connection.outboxHighWater,
    ...(connection.note === undefined ? {} : { note: connection.note }),
  };
}

function reportOfClosed({ counts, closedAtMs, reason, error, ...ends }: Closed): ClosedReport {
  return {
    ...counts,
    ...endsOf(ends),
    closedAt: new Date(closedAtMs).toISOString(),
    reason,
    error,
  };
}

function addTo(totals: ConnectionTotals, connection: Connection): void {
  totals.bytesRead += connection.bytesRead;
  totals.bytesWritten += connection.bytesWritten;
  totals.messagesRead += connection.messagesRead;
  totals.messagesWritten += connection.messagesWritten;
}
