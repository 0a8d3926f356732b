import { assertEquals, assertStringIncludes } from "@std/assert";
import { dial } from "@parley/parley";
import { serve, serveMetrics } from "@parley/parley/server";
import { startService } from "@parley/parley/testing";

Deno.test("library program 8: two services on several endpoints with one metrics endpoint", async () => {
  await using echo = await startService("echo", [], { endpoints: ["tcp://127.0.0.1:0", "ws://127.0.0.1:0/"] });
  await using upper = await serve("tcp://127.0.0.1:0", async (session) => {
    for await (const message of session) session.send(message.text().toUpperCase());
  });
  await using metrics = await serveMetrics("127.0.0.1:0", [echo.stats, upper.stats], { service: "both" });
  for (const endpoint of [...echo.endpoints, ...upper.endpoints]) {
    await using client = await dial(endpoint, { framing: "line" });
    client.send("hello");
    await client.receive();
  }
  const text = await (await fetch(metrics.url)).text();
  assertStringIncludes(text, 'parley_connections_accepted_total{service="both"} 3');
  assertEquals(await (await fetch(new URL("/healthz", metrics.url))).text(), "ok\n");
});
