import type { HttpRoutes } from "../http/router.ts";
import { createRegistry, type Metrics, samplesOf, type Values } from "../server/prometheus.ts";
import type { ClientCounts } from "./client_table.ts";
import type { DatagramCounts } from "./counts.ts";
import type { Impairments } from "./impairments.ts";

/** Datagrams in one direction. */
export interface CountedFlow {
  readonly counts: DatagramCounts;
  readonly impairment?: Impairments | undefined;
  /** For a relay. */
  readonly direction?: "to-target" | "to-client";
}

/** Sources of the metrics. */
export interface DatagramMetricsSources {
  /** Label of every metric. */
  readonly service: string;
  readonly flows: readonly CountedFlow[];
  /** For a relay. */
  readonly clients?: () => ClientCounts;
}

/** `/metrics` and `/healthz`. */
export async function datagramRoutes(sources: DatagramMetricsSources): Promise<HttpRoutes> {
  const metrics = await createDatagramMetrics(sources);
  return {
    "GET /healthz": { contentType: "text/plain; charset=utf-8", body: "ok\n" },
    "GET /metrics": async () => ({ contentType: metrics.contentType, body: await metrics.text() }),
  };
}

/** Registers the metrics; loads the metrics library, which a server without `--metrics` does not need. */
async function createDatagramMetrics({ service, flows, clients }: DatagramMetricsSources): Promise<Metrics> {
  const registry = await createRegistry(["reason", "effect", "direction", "service"]);

  /** A counter of each flow, with one value or one for each `label`. */
  function counter(
    name: string,
    help: string,
    values: (flow: CountedFlow) => Values,
    label?: string,
  ): void {
    registry.counter(name, help, () =>
      flows.flatMap((flow) => {
        const direction = flow.direction && { direction: flow.direction };
        return samplesOf(values(flow), { ...direction, service }, label);
      }));
  }

  counter("datagrams_received_total", "Datagrams received", ({ counts }) => counts.received);
  counter("datagrams_sent_total", "Datagrams sent", ({ counts }) => counts.sent);
  counter("datagram_bytes_received_total", "Bytes received", ({ counts }) => counts.receivedBytes);
  counter("datagram_bytes_sent_total", "Bytes sent", ({ counts }) => counts.sentBytes);
  counter(
    "datagrams_dropped_total",
    "Datagrams dropped, by reason",
    ({ counts }) => Object.fromEntries(counts.dropped),
  );
  if (flows.some(({ impairment }) => impairment !== undefined)) {
    counter(
      "datagrams_impaired_total",
      "Effects of the simulated network",
      ({ impairment }) => ({ ...impairment?.counts }),
      "effect",
    );
  }
  if (clients) {
    const total = (name: string, help: string, value: () => number) =>
      registry.counter(name, help, () => [[value(), { service }]]);
    registry.gauge("relay_clients", "Clients that have a socket to the target", () => [[clients().now, { service }]]);
    total("relay_clients_total", "Clients that have arrived", () => clients().total);
    total("relay_clients_evicted_total", "Clients evicted because of the client limit", () => clients().evicted);
    total("relay_clients_expired_total", "Clients forgotten after the idle timeout", () => clients().expired);
  }
  registry.gauge(
    "resident_memory_bytes",
    "Resident memory of the process",
    () => [[Deno.memoryUsage().rss, { service }]],
  );
  return registry;
}
