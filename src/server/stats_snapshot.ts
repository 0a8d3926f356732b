import type { CloseReason } from "../net/close_reason.ts";

/** Sums over connections. */
export interface ConnectionTotals {
  /** Bytes that came. */
  bytesRead: number;
  /** Bytes that the kernel took. */
  bytesWritten: number;
  /** Messages that came. */
  messagesRead: number;
  /** Messages that were sent. */
  messagesWritten: number;
}

/** One connection for people and programs that look on. */
export interface ConnectionReport extends Readonly<ConnectionTotals> {
  /** The number of the connection in log lines. */
  readonly id: number;
  /** Where it came in. */
  readonly endpoint: string;
  /** The client. */
  readonly peer: string;
  /** The proxy that has reported the client's address, if one has. */
  readonly proxy?: string;
  /** How long it has been, or was, open. */
  readonly ageMs: number;
  /** Since anything came or went. */
  readonly idleMs: number;
  /** Bytes that wait to be written. */
  readonly queuedBytes: number;
  /** Most bytes that ever waited. */
  readonly outboxHighWater: number;
  /** The connection to the target, where a relay has joined it with one. */
  readonly upstream?: object | undefined;
  /** What the service says of it, such as how the program that it ran for the client ended. */
  readonly note?: string;
}

/** One connection that has ended. */
export interface ClosedReport extends ConnectionReport {
  /** RFC 3339. */
  readonly closedAt: string;
  /** Why it ended. */
  readonly reason: CloseReason;
  /** What ended it, where it was an error. */
  readonly error: string | undefined;
}

/** What a server has done and whom it serves, at one moment; plain data, so that it can come from another thread. */
export interface StatsSnapshot {
  /** Connections that came, those refused among them. */
  readonly accepted: number;
  /** Accepts that failed. */
  readonly acceptErrors: number;
  /** Most bytes that ever waited in an outbox. */
  readonly outboxHighWater: number;
  /** Whether the server has stopped accepting. */
  readonly isEnding: boolean;
  /** Why the service cannot do its work now; `undefined` if it can. */
  readonly fault: string | undefined;
  /** Connections that are open. */
  readonly openCount: number;
  /** How many connections ended for each reason. */
  readonly closedByReason: Readonly<Record<string, number>>;
  /** How many TLS handshakes failed, by reason. */
  readonly tlsFailures: Readonly<Record<string, number>>;
  /** Sums over every connection there was. */
  readonly totals: Readonly<ConnectionTotals>;
  /** Open connections, where they were asked for. */
  readonly open: readonly ConnectionReport[];
  /** The latest first, where they were asked for. */
  readonly recentlyClosed: readonly ClosedReport[];
}

/** Where snapshots come from: one server, or the servers of several threads. */
export interface StatsSource {
  /** What there is to see now; single connections only with `withConnections`. */
  snapshot(withConnections: boolean): Promise<StatsSnapshot>;
}

/** Several servers seen as one. */
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
