/** Creates the response to one scrape. */
export interface Metrics {
  /** Value of the `Content-Type` header. */
  readonly contentType: string;
  /** The Prometheus text format, version 0.0.4. */
  text(): Promise<string>;
}

type Labels = Readonly<Record<string, string>>;

/** A value and its labels. */
type Sample = readonly [value: number, labels: Labels];

/** One value, or one for each value of a label. */
export type Values = number | Readonly<Record<string, number>>;

/** Registers a metric; `samples` is called at each scrape. */
export type Register = (name: string, help: string, samples: () => Iterable<Sample>) => void;

/** Registers metrics whose values are kept elsewhere. */
interface MetricsRegistry extends Metrics {
  readonly gauge: Register;
  readonly counter: Register;
}

/** One sample, or one for each value of `label`. */
export function samplesOf(values: Values, labels: Labels, label = "reason"): Sample[] {
  if (typeof values === "number") return [[values, labels]];
  return Object.entries(values).map(([of, value]) => [value, { [label]: of, ...labels }]);
}

/** Loads the library before the first client: loading blocks the event loop. */
export async function loadMetricsLibrary(): Promise<void> {
  await import("prom-client");
}

/** Creates an empty registry; loads the metrics library, which a server without metrics does not need. */
export async function createRegistry(labelNames: readonly string[]): Promise<MetricsRegistry> {
  const { Counter, Gauge, Registry } = (await import("prom-client")).default;
  const registry = new Registry();
  const register = (Metric: typeof Counter | typeof Gauge): Register => (name, help, samples) => {
    new Metric({
      name: `parley_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        // A counter of the library can only be increased.
        this.reset();
        for (const [value, labels] of samples()) this.inc(labels, value);
      },
    });
  };
  return {
    gauge: register(Gauge),
    counter: register(Counter),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
