import type { HttpRoutes } from "../http/router.ts";
import type { DatagramCounts } from "./counts.ts";
import type { Impairments } from "./impairments.ts";

/** The metrics of a datagram server or relay. */
interface DatagramMetrics {
  /** Value of the `Content-Type` header. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** Datagrams in one direction. */
export interface DatagramFlow {
  readonly counts: DatagramCounts;
  readonly impairment?: Impairments | undefined;
  /** For a relay. */
  readonly direction?: "to-target" | "to-client";
}

/** Sources of the metrics. */
export interface DatagramMetricsSources {
  /** Label of every metric. */
  readonly service: string;
  readonly flows: readonly DatagramFlow[];
  /** For a relay. */
  readonly clients?: () => { now: number; total: number; evicted: number; expired: number };
}

/** `/metrics` and `/healthz`. */
export async function datagramRoutes(sources: DatagramMetricsSources): Promise<HttpRoutes> {
  const metrics = await createDatagramMetrics(sources);
  return {
    "GET /healthz": { contentType: "text/plain; charset=utf-8", body: "ok\n" },
    "GET /metrics": async () => ({ contentType: metrics.contentType, body: await metrics.text() }),
  };
}

/** Registers the metrics; imports the metrics library, which a server without `--metrics` does not load. */
async function createDatagramMetrics(sources: DatagramMetricsSources): Promise<DatagramMetrics> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const { service, flows, clients } = sources;
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  const directions = flows.some(({ direction }) => direction !== undefined) ? ["direction"] : [];

  /** A counter with one value per label. */
  function counter(
    name: string,
    help: string,
    values: (flow: DatagramFlow) => Iterable<readonly [label: string, value: number]>,
    label?: string,
  ): void {
    new Counter({
      name: `parley_${name}`,
      help,
      labelNames: label === undefined ? directions : [label, ...directions],
      registers,
      collect() {
        // A counter of the library can only be incremented; the counts are kept elsewhere.
        this.reset();
        for (const flow of flows) {
          const direction = flow.direction === undefined ? {} : { direction: flow.direction };
          for (const [of, value] of values(flow)) {
            this.inc(label === undefined ? direction : { [label]: of, ...direction }, value);
          }
        }
      },
    });
  }

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

  function total(name: string, help: string, value: () => number): void {
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

  counter("datagrams_received_total", "Datagrams received", ({ counts }) => [["", counts.received]]);
  counter("datagrams_sent_total", "Datagrams sent", ({ counts }) => [["", counts.sent]]);
  counter("datagram_bytes_received_total", "Bytes received", ({ counts }) => [["", counts.receivedBytes]]);
  counter("datagram_bytes_sent_total", "Bytes sent", ({ counts }) => [["", counts.sentBytes]]);
  counter(
    "datagrams_dropped_total",
    "Datagrams dropped, by reason",
    ({ counts }) => counts.dropped,
    "reason",
  );
  if (flows.some(({ impairment }) => impairment !== undefined)) {
    counter(
      "datagrams_impaired_total",
      "Effects of the simulated network",
      ({ impairment }) => Object.entries(impairment?.counts ?? {}),
      "effect",
    );
  }
  if (clients) {
    gauge("relay_clients", "Clients that have a socket to the target", () => clients().now);
    total("relay_clients_total", "Clients that have arrived", () => clients().total);
    total("relay_clients_evicted_total", "Clients evicted because of the client limit", () => clients().evicted);
    total("relay_clients_expired_total", "Clients forgotten after the idle timeout", () => clients().expired);
  }
  gauge("resident_memory_bytes", "Resident memory of the process", () => Deno.memoryUsage().rss);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
