/** Creates the response to one scrape. */
export interface Metrics {
  /** Value of the `Content-Type` header. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

/** A value and its labels. */
export type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];

/** Registers metrics whose values are kept elsewhere. */
interface MetricsRegistry extends Metrics {
  /** Registers a gauge; `samples` is called at each scrape. */
  gauge(name: string, help: string, samples: () => Iterable<Sample>): void;
  /** Registers a counter; `samples` is called at each scrape. */
  counter(name: string, help: string, samples: () => Iterable<Sample>): void;
}

/** Loads the library before the first client: loading blocks the event loop. */
export async function loadMetricsLibrary(): Promise<void> {
  await import("prom-client");
}

/** Creates an empty registry; loads the metrics library, which a server without metrics does not need. */
export async function createRegistry(labelNames: readonly string[]): Promise<MetricsRegistry> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  const common = { labelNames, registers: [registry] };
  return {
    gauge(name, help, samples) {
      new Gauge({
        name: `parley_${name}`,
        help,
        ...common,
        collect() {
          for (const [value, labels = {}] of samples()) this.set(labels, value);
        },
      });
    },
    counter(name, help, samples) {
      new Counter({
        name: `parley_${name}`,
        help,
        ...common,
        collect() {
          // A counter of the library can only be increased.
          this.reset();
          for (const [value, labels = {}] of samples()) this.inc(labels, value);
        },
      });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
