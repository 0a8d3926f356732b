import type { DatagramCounts } from "./counts.ts";
import type { Impairment } from "./impairment.ts";

/** Makes the text of one scrape. */
export interface DatagramMetrics {
  /** As `Content-Type` says it. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** What the metrics are made from. */
export interface DatagramMetricsSources {
  readonly counts: DatagramCounts;
  /** The service's name, a label of every line. */
  readonly service: string;
  readonly impairment?: Impairment | undefined;
}

/** Loads the metrics library, which a server that nobody looks at never does, and registers what there is to see. */
export async function createDatagramMetrics(sources: DatagramMetricsSources): Promise<DatagramMetrics> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const { counts, service, impairment } = sources;
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];

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

  function counters(
    name: string,
    help: string,
    label: string,
    values: () => Iterable<readonly [string, number]>,
  ): void {
    new Counter({
      name: `parley_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [of, value] of values()) this.inc({ [label]: of }, value);
      },
    });
  }

  counter("datagrams_received_total", "Datagrams that came", () => counts.received);
  counter("datagrams_sent_total", "Datagrams that the kernel took", () => counts.sent);
  counter("datagram_bytes_received_total", "Bytes that came", () => counts.receivedBytes);
  counter("datagram_bytes_sent_total", "Bytes that the kernel took", () => counts.sentBytes);
  counters("datagrams_dropped_total", "Datagrams that were dropped, by reason", "reason", () => counts.dropped);
  if (impairment) {
    counters(
      "datagrams_impaired_total",
      "What the bad network did",
      "effect",
      () => Object.entries(impairment.counts),
    );
  }
  new Gauge({
    name: "parley_resident_memory_bytes",
    help: "Memory of the process",
    registers,
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
