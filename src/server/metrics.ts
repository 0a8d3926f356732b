import { createRegistry, type Metrics, type Register, samplesOf, type Values } from "./prometheus.ts";
import type { StatsSnapshot, StatsSource } from "./stats_snapshot.ts";

/** The statistics of one service. */
export interface ServiceStats {
  /** Its name, used as a label. */
  readonly service: string;
  readonly stats: StatsSource;
}

/** Sources of the metrics. */
export interface MetricsSources {
  readonly services: readonly ServiceStats[];
  /** The maximum delay of the event loop since the last call, in milliseconds, if measured. */
  readonly takeLoopDelayMs?: () => number;
}

/** Snapshots of all services. */
export function snapshotsOf(
  services: readonly ServiceStats[],
  withConnections: boolean,
): Promise<{ service: string; now: StatsSnapshot }[]> {
  return Promise.all(
    services.map(async ({ service, stats }) => ({ service, now: await stats.snapshot(withConnections) })),
  );
}

/** Registers the metrics; loads the metrics library. */
export async function createMetrics({ services, takeLoopDelayMs }: MetricsSources): Promise<Metrics> {
  const registry = await createRegistry(["reason", "service"]);
  let all = await snapshotsOf(services, false);
  // Metrics of the whole process have a service label only if there is one service.
  const [first, second] = services;
  const ofProcess = first === undefined || second !== undefined ? {} : { service: first.service };

  /** A metric of each service, with one value or one for each reason. */
  const ofServices = (register: Register) => (name: string, help: string, values: (now: StatsSnapshot) => Values) =>
    register(name, help, () => all.flatMap(({ service, now }) => samplesOf(values(now), { service })));
  const gauge = ofServices(registry.gauge);
  const counter = ofServices(registry.counter);
  const processGauge = (name: string, help: string, value: () => number) =>
    registry.gauge(name, help, () => [[value(), ofProcess]]);

  gauge("connections_open", "Open connections", (now) => now.openCount);
  counter("connections_accepted_total", "Connections accepted, including rejected ones", (now) => now.accepted);
  counter(
    "connections_closed_total",
    "Closed connections, by reason",
    ({ closedByReason }) => closedByReason,
  );
  counter("accept_errors_total", "Failed accepts", (now) => now.acceptErrors);
  counter(
    "handshake_failures_total",
    "TLS and WebSocket handshakes that failed or timed out",
    (now) => (now.closedByReason["handshake failed"] ?? 0) + (now.closedByReason["handshake timeout"] ?? 0),
  );
  counter("tls_failures_total", "Failed TLS handshakes, by reason", ({ tlsFailures }) => tlsFailures);
  counter("bytes_read_total", "Bytes received", (now) => now.totals.bytesRead);
  counter("bytes_written_total", "Bytes sent", (now) => now.totals.bytesWritten);
  counter("messages_read_total", "Messages received", (now) => now.totals.messagesRead);
  counter("messages_written_total", "Messages sent", (now) => now.totals.messagesWritten);
  gauge("outbox_high_water_bytes", "Maximum bytes queued for one client", (now) => now.outboxHighWater);
  if (takeLoopDelayMs) {
    processGauge(
      "event_loop_delay_seconds",
      "Maximum event loop delay since the last scrape",
      () => takeLoopDelayMs() / 1_000,
    );
  }
  processGauge("resident_memory_bytes", "Resident memory of the process", () => Deno.memoryUsage().rss);
  return {
    contentType: registry.contentType,
    async text() {
      all = await snapshotsOf(services, false);
      return await registry.text();
    },
  };
}
