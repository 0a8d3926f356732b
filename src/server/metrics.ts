import type { StatsSnapshot, StatsSource } from "./stats_snapshot.ts";

/** Creates the response to one scrape. */
export interface Metrics {
  /** Value of the `Content-Type` header. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

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

/** Loads the library before the first client: loading blocks the event loop. */
export async function loadMetricsLibrary(): Promise<void> {
  await import("prom-client");
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

/** Registers the metrics; loads the metrics library, which a server without metrics does not need. */
export async function createMetrics({ services, takeLoopDelayMs }: MetricsSources): Promise<Metrics> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  const registers = [registry];
  let all = await snapshotsOf(services, false);

  function gauge(name: string, help: string, value: (now: StatsSnapshot) => number): void {
    new Gauge({
      name: `parley_${name}`,
      help,
      labelNames: ["service"],
      registers,
      collect() {
        for (const { service, now } of all) this.set({ service }, value(now));
      },
    });
  }

  /** For the whole process, so without a service label. */
  function processGauge(name: string, help: string, value: () => number): void {
    const [first, second] = services;
    const labels: { service?: string } = first === undefined || second !== undefined ? {} : { service: first.service };
    new Gauge({
      name: `parley_${name}`,
      help,
      labelNames: ["service"],
      registers,
      collect() {
        this.set(labels, value());
      },
    });
  }

  // The counts are kept elsewhere, and a counter of the library can only be increased.
  function counter(
    name: string,
    help: string,
    value: (now: StatsSnapshot) => number | Readonly<Record<string, number>>,
  ): void {
    new Counter({
      name: `parley_${name}`,
      help,
      labelNames: ["reason", "service"],
      registers,
      collect() {
        this.reset();
        for (const { service, now } of all) {
          const counts = value(now);
          if (typeof counts === "number") this.inc({ service }, counts);
          else for (const [reason, count] of Object.entries(counts)) this.inc({ reason, service }, count);
        }
      },
    });
  }

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
      return await registry.metrics();
    },
  };
}
