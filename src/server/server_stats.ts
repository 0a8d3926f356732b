import type { CloseReason } from "../net/close_reason.ts";
import type { Connection } from "../net/connection.ts";
import { type Endpoint, formatEndpoint } from "../net/endpoint.ts";
import type { ClosedReport, ConnectionReport, ConnectionTotals, StatsSnapshot, StatsSource } from "./stats_snapshot.ts";

/** Closed connections that are remembered. */
const RECENT_MOST = 128;

type Counts = Omit<ConnectionReport, "endpoint" | "peer" | "proxy">;

/** A connection that has ended, as it is kept: it is put into words when somebody asks. */
interface Closed extends Pick<ClosedReport, "reason" | "error"> {
  readonly counts: Counts;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly proxy: Endpoint | undefined;
  readonly closedAtMs: number;
}

/**
 * What a server has done and whom it serves. A connection counts for itself in
 * plain fields; they are summed up when somebody asks, and when it ends.
 */
export class ServerStats implements StatsSource {
  /** Connections that came, those refused among them. */
  accepted = 0;
  /** Accepts that failed. */
  acceptErrors = 0;
  /** Most bytes that ever waited in an outbox. */
  outboxHighWater = 0;
  /** Whether the server has stopped accepting. */
  isEnding = false;
  /** Why the service cannot do its work now, if so. */
  faultOf: () => string | undefined = () => undefined;
  /** The target's side of a connection, in a relay. */
  upstreamOf: ((connection: Connection) => object | undefined) | undefined;
  readonly #open = new Set<Connection>();
  readonly #closed = new Map<CloseReason, number>();
  readonly #tlsFailures = new Map<string, number>();
  readonly #recent: Closed[] = [];
  readonly #closedTotals: ConnectionTotals = { bytesRead: 0, bytesWritten: 0, messagesRead: 0, messagesWritten: 0 };

  /** Connections that are open now, the oldest first. */
  get open(): ReadonlySet<Connection> {
    return this.#open;
  }

  /** How many connections ended for each reason. */
  get closedByReason(): ReadonlyMap<CloseReason, number> {
    return this.#closed;
  }

  /** How many TLS handshakes failed, by reason: those of `TlsError`, and of `Connection.closeReason`. */
  get tlsFailures(): ReadonlyMap<string, number> {
    return this.#tlsFailures;
  }

  /** The connections that ended last, the latest first. */
  get recentlyClosed(): readonly ClosedReport[] {
    return this.#recent.map(reportOfClosed).reverse();
  }

  /** One more is open. */
  opened(connection: Connection): void {
    this.accepted++;
    this.#open.add(connection);
  }

  /** One more TLS handshake has failed. */
  tlsFailed(reason: string): void {
    this.#tlsFailures.set(reason, (this.#tlsFailures.get(reason) ?? 0) + 1);
  }

  /** It has ended, or ends now for the reason. */
  closed(connection: Connection, reason: CloseReason = connection.closeReason ?? "error"): void {
    const error = connection.closeError?.message;
    this.#open.delete(connection);
    this.#closed.set(reason, (this.#closed.get(reason) ?? 0) + 1);
    this.outboxHighWater = Math.max(this.outboxHighWater, connection.outboxHighWater);
    addTo(this.#closedTotals, connection);
    const { local, remote, proxy } = connection;
    this.#recent.push({ counts: countsOf(connection), local, remote, proxy, closedAtMs: Date.now(), reason, error });
    if (this.#recent.length > RECENT_MOST) this.#recent.shift();
  }

  /** All of it as plain data. */
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

  /** Sums over every connection there was. */
  totals(): Readonly<ConnectionTotals> {
    const totals = { ...this.#closedTotals };
    for (const connection of this.#open) {
      addTo(totals, connection);
      this.outboxHighWater = Math.max(this.outboxHighWater, connection.outboxHighWater);
    }
    return totals;
  }
}

/** What can be said of a connection. */
export function reportOf(connection: Connection): ConnectionReport {
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
