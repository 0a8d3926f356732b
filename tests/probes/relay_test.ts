/** Debian's servers and their own clients, with a relay between them. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { waitFor } from "@parley/parley/probe";
import { type Relay, startRelay } from "@parley/parley/relay";
import { isHostEndpoint } from "../../src/net/endpoint.ts";
import { launchBrowser } from "../support/browser.ts";
import { closedPort } from "../support/ports.ts";
import { RealServer } from "../support/real_server.ts";
import { LOGIN, NGINX, POSTGRES, REDIS, type ServerKind } from "../support/real_servers.ts";
import { runTool, toolTest } from "../support/tools.ts";

/** Starts a server and a relay in front of it, and waits until the server is ready behind the relay. */
async function behindRelay(
  kind: ServerKind,
  faults: readonly string[],
  use: (relay: { port: string; server: RealServer; relay: Relay }) => Promise<void>,
): Promise<void> {
  await using server = await RealServer.create();
  const port = closedPort();
  await kind.prepare?.(server, port);
  await using relay = await startRelay("tcp://127.0.0.1:0", `tcp://127.0.0.1:${port}`, { faults, seed: 3 });
  kind.start(server, port);
  const own = isHostEndpoint(relay.endpoint) ? relay.endpoint.port : 0;
  await waitFor([kind.endpoint(own)], { timeout: "60s" });
  await use({ port: String(own), server, relay });
}

/** They change the timing and splitting of the bytes, but no byte. */
const HARMLESS = ["slice:7,variation=6", "latency:2ms,jitter=2ms"];

toolTest("psql", "psql works through a relay, also one that cuts and delays", async () => {
  await behindRelay(POSTGRES, HARMLESS, async ({ port, server }) => {
    const words = ["-h", "127.0.0.1", "-p", port, "-U", LOGIN.user, "-d", "postgres", "-At"];
    const sql = "select sum(length(repeat('x', n))) from generate_series(1, 200) n";
    assertEquals((await server.run("psql", [...words, "-c", sql], { PGPASSWORD: LOGIN.password })).trim(), "20100");
    const rows = await server.run("psql", [...words, "-c", "select repeat('y', 70000)"], {
      PGPASSWORD: LOGIN.password,
    });
    assertEquals(rows.trim(), "y".repeat(70_000));
  });
});

toolTest("redis-cli", "redis-cli works through a relay, and sees a reset as one", async () => {
  await behindRelay(REDIS, HARMLESS, async ({ port, relay }) => {
    const cli = (...words: string[]) => runTool("redis-cli", ["-p", port, ...words]);
    assertEquals((await cli("set", "key", "value")).stdout.trim(), "OK");
    assertEquals((await cli("get", "key")).stdout.trim(), "value");
    relay.setFaults(["reset:10,direction=to-server"]);
    const { stdout, stderr } = await cli("get", "key");
    assertStringIncludes(stdout + stderr, "Connection reset by peer");
  });
});

toolTest("nginx", "curl works through a relay, and sees a limit as a body that is cut", async () => {
  await behindRelay(NGINX, HARMLESS, async ({ port, relay }) => {
    const url = `http://127.0.0.1:${port}/`;
    const body = '{"status":"up","db":[{"ok":true}]}';
    assertEquals((await runTool("curl", ["-s", url])).stdout, body);
    relay.setFaults(["limit:150,direction=to-client"]);
    // "Partial file", or with the head cut an empty reply.
    assertEquals([18, 52].includes((await runTool("curl", ["-s", url])).code), true);
  });
});

toolTest("/usr/bin/chromium", "Chromium loads a page through a relay", async () => {
  await behindRelay(NGINX, HARMLESS, async ({ port }) => {
    await using browser = await launchBrowser();
    const page = await browser.newPage();
    const response = await page.goto(`http://127.0.0.1:${port}/`);
    assertEquals(response?.status(), 200);
    assertStringIncludes(await page.content(), '"status":"up"');
  });
});
