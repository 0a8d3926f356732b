import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatEndpoint, listen } from "@parley/parley";
import { HttpServer } from "../../src/server/http_server.ts";
import { dial, LinePeer, readToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { untilSight } from "../support/sight.ts";

Deno.test("--metrics serves Prometheus text, health and connections with only the net permission", async () => {
  await using started = await startServer(["echo", ":0", "--framing", "line", "--metrics", ":0"]);
  const url = await started.server.line();
  assertMatch(url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  await writeAll(conn, "one\ntwo\n");
  assertEquals([await peer.line(), await peer.line()], ["one", "two"]);

  const sight = await untilSight(url, ({ open }) => open === 1);
  assertEquals(sight.connections[0]?.peer, `tcp://127.0.0.1:${conn.localAddr.port}`);
  assertEquals([sight.connections[0]?.bytesRead, sight.connections[0]?.messagesRead], [8, 2]);
  const metrics = await (await fetch(url)).text();
  for (
    const line of [
      'parley_connections_open{service="echo"} 1',
      'parley_messages_read_total{service="echo"} 2',
      'parley_messages_written_total{service="echo"} 2',
      'parley_bytes_read_total{service="echo"} 8',
      'parley_bytes_written_total{service="echo"} 8',
      'parley_accept_errors_total{service="echo"} 0',
      'parley_handshake_failures_total{service="echo"} 0',
    ]
  ) assertStringIncludes(metrics, `${line}\n`);
  assertMatch(metrics, /parley_event_loop_delay_seconds\{service="echo"\} [\d.e-]+\n/);
  const health = await fetch(new URL("/healthz", url));
  assertEquals([health.status, await health.text()], [200, "ok\n"]);

  conn.close();
  const after = await untilSight(url, ({ open }) => open === 0);
  assertEquals(after.closedByReason, { done: 1 });
  assertEquals([after.recentlyClosed[0]?.reason, after.recentlyClosed[0]?.bytesRead], ["done", 8]);
  assertStringIncludes(
    await (await fetch(url)).text(),
    'parley_connections_closed_total{reason="done",service="echo"} 1\n',
  );
});

Deno.test("--metrics answers 404, 405 and 400, and bounds the request head", async () => {
  await using started = await startServer(["echo", ":0", "--metrics", ":0"]);
  const url = await started.server.line();
  const statusOf = async (path: string, init?: RequestInit) => {
    const response = await fetch(new URL(path, url), init);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await statusOf("/secret"), 404);
  assertEquals(await statusOf("/metrics", { method: "DELETE" }), 405);
  assertEquals(await statusOf("/connections?limit=x"), 400);
  using conn = await dial(url);
  await writeAll(conn, `GET / HTTP/1.1\r\nX: ${"x".repeat(16 * 1024)}`);
  assertStringIncludes(new TextDecoder().decode(await readToEnd(conn)), " 431 ");
});

Deno.test("--metrics reports to a load balancer that the server is shutting down", async () => {
  await using started = await startServer(["echo", ":0", "--metrics", ":0"]);
  const url = await started.server.line();
  using conn = await dial(started.endpoint);
  await writeAll(conn, "x");
  await conn.read(new Uint8Array(1));
  started.server.kill("SIGTERM");
  await started.server.errorLine(/draining/);
  const health = await fetch(new URL("/healthz", url));
  assertEquals([health.status, await health.text()], [503, "draining\n"]);
  conn.close();
  assertEquals((await started.server.outcome()).code, 0);
});

Deno.test("--metrics on an endpoint that is taken ends with 8 before anything is served", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await runProgram("server", ["echo", ":0", "--metrics", `:${taken.addr.port}`]);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "address already in use");
  assertEquals((await runProgram("server", ["echo", ":0", "--metrics", "unix:/x"])).code, 2);
});

/** Opens connections that never ask for anything. */
async function idle(url: string, count: number): Promise<Deno.Conn[] & Disposable> {
  const connections = await Promise.all(Array.from({ length: count }, () => dial(url)));
  return Object.assign(connections, { [Symbol.dispose]: () => connections.forEach((conn) => conn.close()) });
}

Deno.test("--metrics: idle connections are closed for new ones, the longest waiting first (fault 55)", async () => {
  await using started = await startServer(["echo", ":0", "--metrics", ":0"]);
  const url = await started.server.line();
  using first = await dial(url);
  using _idle = await idle(url, 31);
  using second = await dial(url);
  assertEquals(await first.read(new Uint8Array(1)), null, "the one that has waited longest stays");
  await writeAll(second, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assertStringIncludes(new TextDecoder().decode(await readToEnd(second)), "200 OK");
});

Deno.test("--metrics: health is answered among hundreds of idle connections, again and again (fault 55)", async () => {
  await using started = await startServer(["echo", ":0", "--metrics", ":0"]);
  const url = await started.server.line();
  for (let round = 0; round < 5; round++) {
    using _idle = await idle(url, 100);
    const startMs = performance.now();
    const health = await fetch(new URL("/healthz", url), { headers: { Connection: "close" } });
    assertEquals(await health.text(), "ok\n");
    assert(performance.now() - startMs < 2_000);
  }
});

Deno.test("--metrics: health responds despite 32 connections that do not read (fault 55)", async () => {
  await using listener = await listen("tcp://127.0.0.1:0", { context: "test" });
  const stuck = Promise.withResolvers<void>();
  const asked = Array.from({ length: 32 }, () => Promise.withResolvers<void>());
  let count = 0;
  await using _server = new HttpServer(listener, {
    "GET /healthz": { contentType: "text/plain", body: "ok" },
    "GET /stuck": async () => {
      asked[count++]?.resolve();
      await stuck.promise;
      return { contentType: "text/plain", body: "" };
    },
  });
  const url = formatEndpoint(listener.endpoint);
  using connections = await idle(url, 32);
  for (const conn of connections) await writeAll(conn, "GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n");
  await Promise.all(asked.map(({ promise }) => promise));
  for (const [path, status] of [["/healthz", "200"], ["/stuck", "503"]]) {
    using conn = await dial(url);
    await writeAll(conn, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assertStringIncludes(new TextDecoder().decode(await readToEnd(conn)), `HTTP/1.1 ${status}`);
  }
  stuck.resolve();
});

Deno.test("--metrics: /connections answers addresses and local names only (chat L5)", async () => {
  await using started = await startServer(["echo", ":0", "--metrics", ":0"]);
  const url = await started.server.line();
  const statusOf = async (path: string, host: string) => {
    using conn = await dial(url);
    await writeAll(conn, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return Number(new TextDecoder().decode(await readToEnd(conn)).split(" ")[1]);
  };
  for (const host of ["127.0.0.1", "[::1]:9090", "localhost", "parley:9090"]) {
    assertEquals(await statusOf("/connections", host), 200, host);
  }
  for (const host of ["evil.example", "127.0.0.1.evil.example:9090"]) {
    assertEquals([await statusOf("/connections", host), await statusOf("/healthz", host)], [403, 200], host);
  }
});

Deno.test("--origin: what is not an origin is a usage error (chat L5)", async () => {
  for (const origin of ["*.example", "chat.example", "https://chat.example/x"]) {
    const { code, stderr } = await runProgram("server", ["echo", "ws://127.0.0.1:0", "--origin", origin]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `parley-server: Cannot use "${origin}" as an origin: write a scheme and a host`);
  }
});

Deno.test("--trace logs each socket step with a hex dump", async () => {
  await using started = await startServer(["echo", ":0", "--trace"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "hi\n");
  await conn.closeWrite();
  await readToEnd(conn);
  await started.server.errorLine(/trace \[echo\] < 00000000 {2}68 69 0a .*\|hi\.\| connection=1 peer=/);
  await started.server.errorLine(/trace \[echo\] > 00000000 {2}68 69 0a /);
  await started.server.errorLine(/trace \[echo\] < end/);
  await started.server.errorLine(/trace \[echo\] close/);
});

Deno.test("--log-format json keeps one schema: time, level, context, text, then fields", async () => {
  await using started = await startServer(["greet", ":0", "--log-format", "json", "--log-level", "debug"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  await peer.line();
  await peer.send('with "quotes" and \x07');
  await peer.line();
  const lines = [/listening/, /connected/, /replied/, /disconnected/];
  for (const wanted of lines) {
    const record = JSON.parse(await started.server.errorLine(wanted));
    assertMatch(record.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert(["debug", "info"].includes(record.level));
    assertEquals(record.context, "greet");
    if (wanted.source === "listening") continue;
    assertEquals([record.connection, record.peer], [1, `tcp://127.0.0.1:${conn.localAddr.port}`]);
  }
});
