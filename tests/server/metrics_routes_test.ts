import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HttpError } from "../../src/http/head.ts";
import type { HttpRoutes, RoutedRequest } from "../../src/http/router.ts";
import { createMetrics } from "../../src/server/metrics.ts";
import { operatorRoutes, publicRoutes } from "../../src/server/metrics_routes.ts";
import { type ConnectionReport, mergeSnapshots, type StatsSnapshot } from "../../src/server/stats_snapshot.ts";

const TOTALS = { bytesRead: 1, bytesWritten: 2, messagesRead: 3, messagesWritten: 4 };

function snapshot(changes: Partial<StatsSnapshot> = {}): StatsSnapshot {
  return {
    accepted: 5,
    acceptErrors: 1,
    outboxHighWater: 7,
    isEnding: false,
    fault: undefined,
    openCount: 2,
    closedByReason: { done: 1 },
    tlsFailures: {},
    totals: TOTALS,
    open: [],
    recentlyClosed: [],
    ...changes,
  };
}

function connection(id: number, ageMs = 0): ConnectionReport {
  const end = { endpoint: "tcp://a:1", peer: "tcp://b:2" };
  return { ...TOTALS, ...end, id, ageMs, idleMs: 0, queuedBytes: 0, outboxHighWater: 0 };
}

/** Sources by service; individual connections are included only if requested. */
function sourcesOf(services: Readonly<Record<string, StatsSnapshot>>) {
  return {
    services: Object.entries(services).map(([service, now]) => ({
      service,
      stats: {
        snapshot: (withConnections: boolean) => Promise.resolve(withConnections ? now : { ...now, open: [] }),
      },
    })),
  };
}

/** The answer of a route, or the status of its error. */
async function ask(routes: HttpRoutes, route: string, request: Partial<RoutedRequest> = {}) {
  const handler = routes[route];
  if (typeof handler !== "function") throw new Error(`nothing at ${route}`);
  try {
    const { status = 200, body } = await handler({ query: "", host: "127.0.0.1", ...request } as RoutedRequest);
    return { status, text: typeof body === "string" ? body : new TextDecoder().decode(body) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { status: error.status, text: error.message };
  }
}

Deno.test("/healthz is 503 while one of the services cannot serve or is ending", async () => {
  const healthOf = (...changes: Partial<StatsSnapshot>[]) =>
    ask(
      publicRoutes(sourcesOf(Object.fromEntries(changes.map((change, at) => [`s${at}`, snapshot(change)])))),
      "GET /healthz",
    );
  assertEquals(await healthOf({}, {}), { status: 200, text: "ok\n" });
  assertEquals(await healthOf({}, { fault: "NATS is unreachable" }), { status: 503, text: "NATS is unreachable\n" });
  assertEquals(await healthOf({ isEnding: true, fault: "x" }), { status: 503, text: "draining\n" });
});

Deno.test("/metrics answers after a request that failed", async () => {
  let isFailing = true;
  const stats = {
    snapshot: () => isFailing ? Promise.reject(new Error("out of memory")) : Promise.resolve(snapshot()),
  };
  const routes = publicRoutes({ services: [{ service: "echo", stats }] });
  await assertRejects(() => ask(routes, "GET /metrics"), Error, "out of memory");
  isFailing = false;
  assertStringIncludes((await ask(routes, "GET /metrics")).text, 'parley_connections_open{service="echo"} 2\n');
});

Deno.test("/connections lists some of the open connections, 1,024 by default, to local hosts only", async () => {
  const open = Array.from({ length: 1_030 }, (_, id) => connection(id));
  const routes = operatorRoutes(sourcesOf({ echo: snapshot({ open }) }));
  const idsOf = async (query: string) => {
    const { text } = await ask(routes, "GET /connections", { query });
    const ids: number[] = JSON.parse(text).connections.map(({ id }: ConnectionReport) => id);
    return [ids.length, ids[0], ids.at(-1)];
  };
  assertEquals(await idsOf(""), [1_024, 0, 1_023]);
  assertEquals(await idsOf("limit=10"), [10, 0, 9]);
  assertEquals(await idsOf("limit=10&offset=1025"), [5, 1_025, 1_029]);
  assertEquals(await idsOf("limit=0"), [0, undefined, undefined]);
  for (const query of ["limit=x", "offset=-1", "limit=1.5", "limit="]) {
    assertEquals((await ask(routes, "GET /connections", { query })).status, 400, query);
  }
  assertEquals((await ask(routes, "GET /connections", { host: "evil.example" })).status, 403);
  assertEquals(Object.keys(publicRoutes(sourcesOf({}))), ["GET /healthz", "GET /metrics"]);
});

Deno.test("/connections reports the service, or each of several", async () => {
  const one = JSON.parse((await ask(operatorRoutes(sourcesOf({ echo: snapshot() })), "GET /connections")).text);
  assertEquals([one.service, one.open, one.accepted, one.closedByReason], ["echo", 2, 5, { done: 1 }]);
  const routes = operatorRoutes(sourcesOf({ echo: snapshot(), chat: snapshot({ openCount: 9 }) }));
  const { services } = JSON.parse((await ask(routes, "GET /connections")).text);
  assertEquals(services.map(({ service, open }: { service: string; open: number }) => [service, open]), [
    ["echo", 2],
    ["chat", 9],
  ]);
});

Deno.test("createMetrics() shows the current values at each scrape, by service and by reason", async () => {
  let now = snapshot({
    tlsFailures: { expired: 2 },
    closedByReason: { "handshake failed": 1, "handshake timeout": 2 },
  });
  const stats = { snapshot: () => Promise.resolve(now) };
  const metrics = await createMetrics({
    services: [{ service: "echo", stats }, { service: "chat", stats: { snapshot: () => Promise.resolve(snapshot()) } }],
    takeLoopDelayMs: () => 250,
  });
  const has = async (...lines: string[]) => {
    const text = await metrics.text();
    for (const line of lines) assertStringIncludes(text, `parley_${line}\n`);
  };
  await has(
    'connections_open{service="echo"} 2',
    'connections_accepted_total{service="chat"} 5',
    'accept_errors_total{service="echo"} 1',
    'tls_failures_total{reason="expired",service="echo"} 2',
    'handshake_failures_total{service="echo"} 3',
    'handshake_failures_total{service="chat"} 0',
    'outbox_high_water_bytes{service="echo"} 7',
    // Both services share one process.
    "event_loop_delay_seconds 0.25",
  );
  now = snapshot({ openCount: 0, accepted: 6, closedByReason: { done: 3 } });
  // A second scrape must not add the counts again.
  await has(
    'connections_open{service="echo"} 0',
    'connections_accepted_total{service="echo"} 6',
    'connections_closed_total{reason="done",service="echo"} 3',
    'connections_closed_total{reason="done",service="chat"} 1',
  );
  assertEquals((await metrics.text()).includes('reason="handshake failed"'), false);
});

Deno.test("createMetrics() labels process gauges with a single service, and omits a delay that is not measured", async () => {
  const text = await (await createMetrics(sourcesOf({ echo: snapshot() }))).text();
  assertStringIncludes(text, 'parley_resident_memory_bytes{service="echo"} ');
  assertEquals(text.includes("event_loop_delay"), false);
});

Deno.test("mergeSnapshots() adds counts up and sorts the connections of all servers", () => {
  const closedAt = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
  const closed = (id: number, second: number) =>
    ({ ...connection(id), closedAt: closedAt(second), reason: "done", error: undefined }) as const;
  const merged = mergeSnapshots([
    snapshot({ open: [connection(1, 10)], recentlyClosed: [closed(3, 5), closed(4, 1)], tlsFailures: { a: 1 } }),
    snapshot({
      open: [connection(2, 20)],
      recentlyClosed: [closed(5, 3)],
      fault: "no",
      isEnding: true,
      outboxHighWater: 9,
    }),
  ]);
  assertEquals(merged.open.map(({ id }) => id), [2, 1]);
  // As many as one server keeps.
  assertEquals(merged.recentlyClosed.map(({ id }) => id), [3, 5]);
  assertEquals([merged.accepted, merged.openCount, merged.outboxHighWater, merged.acceptErrors], [10, 4, 9, 2]);
  assertEquals([merged.closedByReason, merged.tlsFailures], [{ done: 2 }, { a: 1 }]);
  assertEquals([merged.isEnding, merged.fault], [true, "no"]);
  assertEquals(merged.totals, { bytesRead: 2, bytesWritten: 4, messagesRead: 6, messagesWritten: 8 });
});
