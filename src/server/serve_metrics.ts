import { UsageError } from "../base/errors.ts";
import { listen } from "../factory.ts";
import { type Endpoint, formatEndpoint, formatHostPort, isHostEndpoint, parseEndpoint } from "../net/endpoint.ts";
import { EventLoopDelay } from "./event_loop_delay.ts";
import { HttpServer } from "./http_server.ts";
import { loadMetricsLibrary } from "./metrics.ts";
import { operatorRoutes } from "./metrics_routes.ts";
import type { StatsSource } from "./stats_snapshot.ts";

/** What is being served under `/metrics`, `/healthz` and `/connections`. */
export interface MetricsServer extends AsyncDisposable {
  /** Where `/metrics` is. */
  readonly url: string;
}

/**
 * Serves `/metrics` (Prometheus), `/healthz` and `/connections` by HTTP.
 *
 * @param stats Usually the `stats` of a server.
 * @param options `service` is the name that metrics carry as a label.
 * @throws {UsageError} The endpoint is not one of TCP.
 */
export async function serveMetrics(
  endpoint: string | Endpoint,
  stats: StatsSource,
  { service = "parley" }: { service?: string } = {},
): Promise<MetricsServer> {
  const parsed = typeof endpoint === "string" ? parseEndpoint(endpoint) : endpoint;
  if (parsed.scheme !== "tcp") {
    const shown = typeof endpoint === "string" ? endpoint : formatEndpoint(endpoint);
    throw new UsageError(`--metrics takes a TCP endpoint such as 127.0.0.1:9090, not ${shown}`);
  }
  await loadMetricsLibrary();
  await using owner = new AsyncDisposableStack();
  const delay = owner.use(new EventLoopDelay());
  const listener = await listen(parsed, { context: "metrics", totalTimeout: "60s" });
  owner.use(new HttpServer(listener, operatorRoutes({ stats, service, takeLoopDelayMs: () => delay.take() })));
  const { endpoint: bound } = listener;
  const own = owner.move();
  return {
    url: `http://${isHostEndpoint(bound) ? formatHostPort(bound.host, bound.port) : ""}/metrics`,
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}
