import type { CloseReason } from "../net/close_reason.ts";

/** Totals over connections. */
export interface ConnectionTotals {
  /** Bytes received. */
  bytesRead: number;
  /** Bytes sent. */
  bytesWritten: number;
  /** Messages received. */
  messagesRead: number;
  /** Messages sent. */
  messagesWritten: number;
}

/** An open connection. */
export interface ConnectionReport extends Readonly<ConnectionTotals> {
  /** Number in log lines. */
  readonly id: number;
  /** The local endpoint. */
  readonly endpoint: string;
  /** The endpoint of the peer. */
  readonly peer: string;
  /** The proxy that reported the client's address, if any. */
  readonly proxy?: string;
  /** How long it has been or was open. */
  readonly ageMs: number;
  /** Time since the last activity. */
  readonly idleMs: number;
  /** Bytes queued. */
  readonly queuedBytes: number;
  /** Maximum bytes queued. */
  readonly outboxHighWater: number;
  /** The connection to the target, in a relay. */
  readonly upstream?: object | undefined;
  /** The service's note, such as how the client's program ended. */
  readonly note?: string;
}

/** A closed connection. */
export interface ClosedReport extends ConnectionReport {
  /** RFC 3339. */
  readonly closedAt: string;
  /** Why it was closed. */
  readonly reason: CloseReason;
  /** The error that ended it, if any. */
  readonly error: string | undefined;
}

/** A snapshot of a server's statistics; plain data, so that it can be passed between threads. */
export interface StatsSnapshot {
  /** Connections accepted, including rejected ones. */
  readonly accepted: number;
  /** Failed accepts. */
  readonly acceptErrors: number;
  /** Maximum bytes queued in an outbox. */
  readonly outboxHighWater: number;
  /** Whether the server has stopped accepting. */
  readonly isEnding: boolean;
  /** Why the service is not ready; `undefined` if it is. */
  readonly fault: string | undefined;
  /** Number of open connections. */
  readonly openCount: number;
  /** Closed connections by reason. */
  readonly closedByReason: Readonly<Record<string, number>>;
  /** Failed TLS handshakes by reason. */
  readonly tlsFailures: Readonly<Record<string, number>>;
  /** Totals over all connections. */
  readonly totals: Readonly<ConnectionTotals>;
  /** Open connections, if requested. */
  readonly open: readonly ConnectionReport[];
  /** Recently closed connections, latest first, if requested. */
  readonly recentlyClosed: readonly ClosedReport[];
}

/** A source of snapshots: one server, or the servers of several threads. */
export interface StatsSource {
  /** Takes a snapshot; includes individual connections only with `withConnections`. */
  snapshot(withConnections: boolean): Promise<StatsSnapshot>;
}

/** Combines several servers. */
export function mergeSnapshots(all: readonly StatsSnapshot[]): StatsSnapshot {
  const sum = (value: (snapshot: StatsSnapshot) => number) => all.reduce((total, one) => total + value(one), 0);
  return {
    accepted: sum(({ accepted }) => accepted),
    acceptErrors: sum(({ acceptErrors }) => acceptErrors),
    outboxHighWater: Math.max(0, ...all.map(({ outboxHighWater }) => outboxHighWater)),
    isEnding: all.some(({ isEnding }) => isEnding),
    fault: all.find(({ fault }) => fault !== undefined)?.fault,
    openCount: sum(({ openCount }) => openCount),
    closedByReason: sumByKey(all.map(({ closedByReason }) => closedByReason)),
    tlsFailures: sumByKey(all.map(({ tlsFailures }) => tlsFailures)),
    totals: {
      bytesRead: sum(({ totals }) => totals.bytesRead),
      bytesWritten: sum(({ totals }) => totals.bytesWritten),
      messagesRead: sum(({ totals }) => totals.messagesRead),
      messagesWritten: sum(({ totals }) => totals.messagesWritten),
    },
    open: all.flatMap(({ open }) => open).toSorted((a, b) => b.ageMs - a.ageMs),
    recentlyClosed: all.flatMap(({ recentlyClosed }) => recentlyClosed)
      .toSorted((a, b) => b.closedAt < a.closedAt ? -1 : 1).slice(
        0,
        Math.max(...all.map((one) => one.recentlyClosed.length)),
      ),
  };
}

function sumByKey(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of records) {
    for (const [key, count] of Object.entries(record)) sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}
