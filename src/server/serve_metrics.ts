import type { Endpoint } from "../net/endpoint.ts";
import { EventLoopDelay } from "./event_loop_delay.ts";
import { HttpServer } from "./http_server.ts";
import { loadMetricsLibrary, type ServiceStats } from "./metrics.ts";
import { operatorRoutes } from "./metrics_routes.ts";
import { mergeSnapshots, type StatsSource } from "./stats_snapshot.ts";

/** What is being served under `/metrics`, `/healthz` and `/connections`. */
export interface MetricsServer extends AsyncDisposable {
  /** Where `/metrics` is. */
  readonly url: string;
}

/**
 * Serves `/metrics` (Prometheus), `/healthz` and `/connections` by HTTP.
 *
 * @param stats Usually the `stats` of a server, or of several that are shown as one; a map shows each by its name.
 * @param options `service` is the name that metrics carry as a label.
 * @throws {UsageError} The endpoint is not one of TCP.
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
