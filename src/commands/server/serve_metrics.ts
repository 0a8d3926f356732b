import { listen } from "../../factory.ts";
import { formatHostPort, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { UsageError } from "../../base/errors.ts";
import { HttpServer } from "../../server/http_server.ts";
import type { StatsSource } from "../../server/stats_snapshot.ts";
import { EventLoopDelay } from "../../server/event_loop_delay.ts";
import { loadMetricsLibrary } from "../../server/metrics.ts";
import { operatorRoutes } from "../../server/metrics_routes.ts";

/**
 * Serves `/metrics`, `/healthz` and `/connections` where `--metrics` says;
 * what it has opened belongs to `owner`. The result is its URL.
 */
export async function serveMetrics(
  endpoint: string,
  { stats, service, owner }: { stats: StatsSource; service: string; owner: AsyncDisposableStack },
): Promise<string> {
  const parsed = parseEndpoint(endpoint);
  if (parsed.scheme !== "tcp") {
    throw new UsageError(`--metrics takes a TCP endpoint such as 127.0.0.1:9090, not ${endpoint}`);
  }
  await loadMetricsLibrary();
  const delay = owner.use(new EventLoopDelay());
  const listener = await listen(parsed, { context: "metrics", totalTimeout: "60s" });
  owner.use(new HttpServer(listener, operatorRoutes({ stats, service, takeLoopDelayMs: () => delay.take() })));
  const bound = listener.endpoint;
  return `http://${isHostEndpoint(bound) ? formatHostPort(bound.host, bound.port) : ""}/metrics`;
}
