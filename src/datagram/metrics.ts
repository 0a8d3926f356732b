import type { DatagramCounts } from "./counts.ts";
import type { Impairment } from "./impairment.ts";

/** Makes the text of one scrape. */
export interface DatagramMetrics {
  /** As `Content-Type` says it. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** Datagrams that go one way. */
export interface DatagramFlow {
  readonly counts: DatagramCounts;
  readonly impairment?: Impairment | undefined;
  /** Where there are two ways. */
  readonly direction?: "to-target" | "to-client";
}

/** What the metrics are made from. */
export interface DatagramMetricsSources {
  /** What serves: a label of every line. */
  readonly service: string;
  readonly flows: readonly DatagramFlow[];
  /** Of a relay: how many clients have a socket to the target. */
  readonly clients?: () => number;
}

/** Loads the metrics library, which a server that nobody looks at never does, and registers what there is to see. */
export async function createDatagramMetrics(sources: DatagramMetricsSources): Promise<DatagramMetrics> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const { service, flows, clients } = sources;
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  const ways = flows.some(({ direction }) => direction !== undefined) ? ["direction"] : [];

  /** Values of one counter, each with its label where it has one. */
  function counter(
    name: string,
    help: string,
    values: (flow: DatagramFlow) => Iterable<readonly [label: string, value: number]>,
    label?: string,
  ): void {
    new Counter({
      name: `parley_${name}`,
      help,
      labelNames: label === undefined ? ways : [label, ...ways],
      registers,
      collect() {
        // A counter of the library can only be added to; ours are counted elsewhere already.
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

  counter("datagrams_received_total", "Datagrams that came", ({ counts }) => [["", counts.received]]);
  counter("datagrams_sent_total", "Datagrams that the kernel took", ({ counts }) => [["", counts.sent]]);
  counter("datagram_bytes_received_total", "Bytes that came", ({ counts }) => [["", counts.receivedBytes]]);
  counter("datagram_bytes_sent_total", "Bytes that the kernel took", ({ counts }) => [["", counts.sentBytes]]);
  counter(
    "datagrams_dropped_total",
    "Datagrams that were dropped, by reason",
    ({ counts }) => counts.dropped,
    "reason",
  );
  if (flows.some(({ impairment }) => impairment !== undefined)) {
    counter(
      "datagrams_impaired_total",
      "What the bad network did",
      ({ impairment }) => Object.entries(impairment?.counts ?? {}),
      "effect",
    );
  }
  if (clients) gauge("relay_clients", "Clients that have a socket to the target", clients);
  gauge("resident_memory_bytes", "Memory of the process", () => Deno.memoryUsage().rss);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
