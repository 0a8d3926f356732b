import { HttpError } from "../http/head.ts";
import { assertLocalHost } from "../http/origin.ts";
import { type HttpContent, jsonContent } from "../http/response.ts";
import type { HttpRoutes } from "../http/router.ts";
import type { StatsSnapshot } from "./stats_snapshot.ts";
import { createMetrics, type MetricsSources, snapshotsOf } from "./metrics.ts";
import type { Metrics } from "./prometheus.ts";

/** Default limit of open connections per response. */
const LIMIT_DEFAULT = 1_024;
const TEXT = "text/plain; charset=utf-8";

/** Routes for every HTTP client: `/healthz` and `/metrics`. */
export function publicRoutes(sources: MetricsSources): HttpRoutes {
  let metrics: Promise<Metrics> | undefined;
  return {
    "GET /healthz": async () => healthOf(await snapshotsOf(sources.services, false)),
    "GET /metrics": async () => {
      metrics ??= createMetrics(sources).catch((error: unknown) => {
        metrics = undefined;
        throw error;
      });
      const { contentType, text } = await metrics;
      return { contentType, body: await text() };
    },
  };
}

/** Routes for the operator: the same, and `/connections` with the clients' addresses. */
export function operatorRoutes(sources: MetricsSources): HttpRoutes {
  return {
    ...publicRoutes(sources),
    "GET /connections": async (request) => {
      assertLocalHost(request);
      const query = new URLSearchParams(request.query);
      const reports = (await snapshotsOf(sources.services, true)).map(({ service, now }) =>
        connectionsOf(now, service, query)
      );
      const [only] = reports;
      return jsonContent(reports.length === 1 && only !== undefined ? only : { services: reports });
    },
  };
}

/** 200 while it serves, 503 while it cannot or is shutting down, so that a load balancer sends no more clients. */
function healthOf(all: readonly { readonly now: StatsSnapshot }[]): HttpContent {
  const problem = all.map(({ now }) => now.isEnding ? "draining" : now.fault).find((text) => text !== undefined);
  return { status: problem === undefined ? 200 : 503, contentType: TEXT, body: `${problem ?? "ok"}\n` };
}

function connectionsOf(stats: StatsSnapshot, service: string, query: URLSearchParams): object {
  const limit = numberOf(query, "limit", LIMIT_DEFAULT);
  const offset = numberOf(query, "offset", 0);
  return {
    now: new Date().toISOString(),
    service,
    open: stats.openCount,
    accepted: stats.accepted,
    offset,
    limit,
    connections: stats.open.slice(offset, offset + limit),
    closedByReason: stats.closedByReason,
    recentlyClosed: stats.recentlyClosed,
  };
}

function numberOf(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(400, `${name} must be a whole number`);
  return Number(text);
}
