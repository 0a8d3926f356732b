import { listen } from "../../factory.ts";
import { formatHostPort, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { UsageError } from "../../base/errors.ts";
import { HttpServer } from "../../serve/http_server.ts";
import type { StatsSource } from "../../serve/stats_snapshot.ts";
import { EventLoopDelay } from "../../serve/sight/event_loop_delay.ts";
import { loadMetricsLibrary } from "../../serve/sight/metrics.ts";
import { operatorRoutes } from "../../serve/sight/routes.ts";

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
