import { UsageError } from "../../base/errors.ts";
import { createDatagramMetrics, type DatagramMetricsSources } from "../../datagram/metrics.ts";
import { listen } from "../../factory.ts";
import { formatHostPort, isHostEndpoint, parseEndpoint } from "../../net/endpoint.ts";
import { HttpServer } from "../../server/http_server.ts";

/** Serves `/metrics` and `/healthz` on the endpoint until `owner` is disposed of; returns the URL. */
export async function serveDatagramMetrics(
  endpoint: string,
  sources: DatagramMetricsSources,
  owner: AsyncDisposableStack,
): Promise<string> {
  const parsed = parseEndpoint(endpoint);
  if (parsed.scheme !== "tcp") {
    throw new UsageError(`--metrics: Cannot use "${endpoint}": expected a TCP endpoint, for example 127.0.0.1:9090`);
  }
  const metrics = await createDatagramMetrics(sources);
  const listener = await listen(parsed, { context: "metrics", totalTimeout: "60s" });
  owner.use(
    new HttpServer(listener, {
      "GET /healthz": () => ({ contentType: "text/plain; charset=utf-8", body: "ok\n" }),
      "GET /metrics": async () => ({ contentType: metrics.contentType, body: await metrics.text() }),
    }),
  );
  const bound = listener.endpoint;
  return `http://${isHostEndpoint(bound) ? formatHostPort(bound.host, bound.port) : ""}/metrics`;
}
