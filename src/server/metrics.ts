import type { StatsSource } from "./stats_snapshot.ts";

/** Makes the text of one scrape. */
export interface Metrics {
  /** As `Content-Type` says it. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** What the metrics are made from. */
export interface MetricsSources {
  readonly stats: StatsSource;
  /** The service's name, a label of every line. */
  readonly service: string;
  /** The greatest delay of the event loop since the last call, in milliseconds, where it is measured. */
  readonly takeLoopDelayMs?: () => number;
}

/** Loads the library before anybody is served: that takes some 70 ms in which nothing else happens. */
export async function loadMetricsLibrary(): Promise<void> {
  await import("prom-client");
}

/** Loads the metrics library, which a server that nobody looks at never does, and registers what there is to see. */
export async function createMetrics({ stats, service, takeLoopDelayMs }: MetricsSources): Promise<Metrics> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  let now = await stats.snapshot(false);

  function gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name: `parley_${name}`,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  }

  // A counter of the library can only be added to; ours are counted elsewhere already.
  function counter(name: string, help: string, value: () => number): void {
    new Counter({
      name: `parley_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }

  gauge("connections_open", "Connections that are open now", () => now.openCount);
  counter("connections_accepted_total", "Connections that came, those refused among them", () => now.accepted);
  new Counter({
    name: "parley_connections_closed_total",
    help: "Connections that ended, by reason",
    labelNames: ["reason"],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(now.closedByReason)) this.inc({ reason }, count);
    },
  });
  counter("accept_errors_total", "Accepts that failed", () => now.acceptErrors);
  counter(
    "handshake_failures_total",
    "TLS and WebSocket handshakes that failed or took too long",
    () => (now.closedByReason["handshake failed"] ?? 0) + (now.closedByReason["handshake timeout"] ?? 0),
  );
  new Counter({
    name: "parley_tls_failures_total",
    help: "TLS handshakes that failed, by reason",
    labelNames: ["reason"],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(now.tlsFailures)) this.inc({ reason }, count);
    },
  });
  counter("bytes_read_total", "Bytes that came", () => now.totals.bytesRead);
  counter("bytes_written_total", "Bytes that the kernel took", () => now.totals.bytesWritten);
  counter("messages_read_total", "Messages that came", () => now.totals.messagesRead);
  counter("messages_written_total", "Messages that were sent", () => now.totals.messagesWritten);
  gauge("outbox_high_water_bytes", "Most bytes that ever waited for one client", () => now.outboxHighWater);
  if (takeLoopDelayMs) {
    gauge(
      "event_loop_delay_seconds",
      "Greatest delay of a timer since the last scrape",
      () => takeLoopDelayMs() / 1_000,
    );
  }
  gauge("resident_memory_bytes", "Memory of the process", () => Deno.memoryUsage().rss);
  return {
    contentType: registry.contentType,
    async text() {
      now = await stats.snapshot(false);
      return await registry.metrics();
    },
  };
}
