import { assertEquals, assertStringIncludes } from "@std/assert";
import { dial } from "@parley/parley";
import { serveMetrics } from "@parley/parley/server";
import { startService } from "@parley/parley/testing";

/** Used by dashboards and alerts: a removed metric, or one with another type, breaks them. */
const METRICS = {
  accept_errors_total: "counter",
  bytes_read_total: "counter",
  bytes_written_total: "counter",
  connections_accepted_total: "counter",
  connections_closed_total: "counter",
  connections_open: "gauge",
  event_loop_delay_seconds: "gauge",
  handshake_failures_total: "counter",
  messages_read_total: "counter",
  messages_written_total: "counter",
  outbox_high_water_bytes: "gauge",
  resident_memory_bytes: "gauge",
  tls_failures_total: "counter",
};

Deno.test("createMetrics() registers every metric with its type", async () => {
  await using echo = await startService("echo");
  await using metrics = await serveMetrics("127.0.0.1:0", [echo.stats], { service: "echo" });
  const text = await (await fetch(metrics.url)).text();
  const found = [...text.matchAll(/^# TYPE parley_(\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
  assertEquals(Object.fromEntries(found), METRICS);
});

Deno.test("createMetrics() counts messages and bytes of both directions", async () => {
  await using upper = await startService("echo", ["--upper"], { framing: "line" });
  await using metrics = await serveMetrics("127.0.0.1:0", [upper.stats], { service: "echo" });
  await using client = await dial(upper.endpoint, { framing: "line" });
  for (const text of ["one", "three"]) {
    client.send(text);
    await client.receive();
  }
  const shown = await (await fetch(metrics.url)).text();
  for (
    const [name, value] of [["messages_read", 2], ["messages_written", 2], ["bytes_read", 10], ["bytes_written", 10]]
  ) {
    assertStringIncludes(shown, `parley_${name}_total{service="echo"} ${value}\n`);
  }
});
