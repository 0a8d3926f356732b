import type { Endpoint } from "../net/endpoint.ts";
import { EventLoopDelay } from "./event_loop_delay.ts";
import { HttpServer } from "./http_server.ts";
import type { ServiceStats } from "./metrics.ts";
import { operatorRoutes } from "./metrics_routes.ts";
import { loadMetricsLibrary } from "./prometheus.ts";
import { mergeSnapshots, type StatsSource } from "./stats_snapshot.ts";

/** A running metrics server. */
export interface MetricsServer extends AsyncDisposable {
  /** URL of `/metrics`. */
  readonly url: string;
}

/**
 * Serves `/metrics` (Prometheus), `/healthz` and `/connections` over HTTP.
 *
 * @param stats The `stats` of a server, or of several that are reported as one; a map reports each by name.
 * @param options `service` is the label of the metrics.
 * @throws {UsageError} The endpoint is not a TCP endpoint.
 */
export async function serveMetrics(
  endpoint: string | Endpoint,
  stats: StatsSource | readonly StatsSource[] | ReadonlyMap<string, StatsSource>,
  { service = "parley" }: { service?: string } = {},
): Promise<MetricsServer> {
  await loadMetricsLibrary();
  await using owner = new AsyncDisposableStack();
  const delay = owner.use(new EventLoopDelay());
  const services = servicesOf(stats, service);
  const routes = operatorRoutes({ services, takeLoopDelayMs: () => delay.take() });
  const { url } = owner.use(await HttpServer.listen(endpoint, routes, "metrics"));
  const own = owner.move();
  return { url: `${url}/metrics`, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

function servicesOf(
  stats: StatsSource | readonly StatsSource[] | ReadonlyMap<string, StatsSource>,
  service: string,
): ServiceStats[] {
  if ("snapshot" in stats || "length" in stats) return [{ service, stats: asOne(stats) }];
  return Array.from(stats, ([service, stats]) => ({ service, stats }));
}

function asOne(stats: StatsSource | readonly StatsSource[]): StatsSource {
  const sources = [stats].flat();
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  return {
    snapshot: async (withConnections) =>
      mergeSnapshots(await Promise.all(sources.map((source) => source.snapshot(withConnections)))),
  };
}
