import type { StatsSnapshot, StatsSource } from "./stats_snapshot.ts";

/** Makes the text of one scrape. */
export interface Metrics {
  /** As `Content-Type` says it. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** One service and what it has done. */
export interface ServiceStats {
  /** Its name, a label of its lines. */
  readonly service: string;
  readonly stats: StatsSource;
}

/** What the metrics are made from. */
export interface MetricsSources {
  readonly services: readonly ServiceStats[];
  /** The greatest delay of the event loop since the last call, in milliseconds, if it is measured. */
  readonly takeLoopDelayMs?: () => number;
}

/** Loads the library before anybody is served: that takes some 70 ms in which nothing else happens. */
export async function loadMetricsLibrary(): Promise<void> {
  await import("prom-client");
}

/** Loads the metrics library, which a server without metrics never does, and registers the metrics. */
export async function createMetrics({ services, takeLoopDelayMs }: MetricsSources): Promise<Metrics> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  const registers = [registry];
  const take = () =>
    Promise.all(services.map(async ({ service, stats }) => ({ service, now: await stats.snapshot(false) })));
  let all = await take();

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

  /** Of the whole process: a label would make it one service's where there are several. */
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

  // A counter of the library can only be added to; ours are counted elsewhere already.
  function counter(name: string, help: string, value: (now: StatsSnapshot) => number): void {
    new Counter({
      name: `parley_${name}`,
      help,
      labelNames: ["service"],
      registers,
      collect() {
        this.reset();
        for (const { service, now } of all) this.inc({ service }, value(now));
      },
    });
  }

  function counterByReason(
    name: string,
    help: string,
    counts: (now: StatsSnapshot) => Readonly<Record<string, number>>,
  ): void {
    new Counter({
      name: `parley_${name}`,
      help,
      labelNames: ["reason", "service"],
      registers,
      collect() {
        this.reset();
        for (const { service, now } of all) {
          for (const [reason, count] of Object.entries(counts(now))) this.inc({ reason, service }, count);
        }
      },
    });
  }

  gauge("connections_open", "Connections that are open now", (now) => now.openCount);
  counter("connections_accepted_total", "Connections that came, those refused among them", (now) => now.accepted);
  counterByReason(
    "connections_closed_total",
    "Connections that ended, by reason",
    ({ closedByReason }) => closedByReason,
  );
  counter("accept_errors_total", "Accepts that failed", (now) => now.acceptErrors);
  counter(
    "handshake_failures_total",
    "TLS and WebSocket handshakes that failed or took too long",
    (now) => (now.closedByReason["handshake failed"] ?? 0) + (now.closedByReason["handshake timeout"] ?? 0),
  );
  counterByReason("tls_failures_total", "TLS handshakes that failed, by reason", ({ tlsFailures }) => tlsFailures);
  counter("bytes_read_total", "Bytes that came", (now) => now.totals.bytesRead);
  counter("bytes_written_total", "Bytes that the kernel took", (now) => now.totals.bytesWritten);
  counter("messages_read_total", "Messages that came", (now) => now.totals.messagesRead);
  counter("messages_written_total", "Messages that were sent", (now) => now.totals.messagesWritten);
  gauge("outbox_high_water_bytes", "Most bytes that ever waited for one client", (now) => now.outboxHighWater);
  if (takeLoopDelayMs) {
    processGauge(
      "event_loop_delay_seconds",
      "Greatest delay of a timer since the last scrape",
      () => takeLoopDelayMs() / 1_000,
    );
  }
  processGauge("resident_memory_bytes", "Memory of the process", () => Deno.memoryUsage().rss);
  return {
    contentType: registry.contentType,
    async text() {
      all = await take();
      return await registry.metrics();
    },
  };
}
