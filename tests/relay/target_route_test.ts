import { assertEquals, assertStringIncludes } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { dial, LinePeer, writeAll } from "../support/peer.ts";
import { closedPort, portOf, whenListening } from "../support/ports.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { RealServer } from "../support/real_server.ts";
import { untilSight } from "../support/sight.ts";
import { toolTest } from "../support/tools.ts";

const TRUSTED = ["--proxy-protocol", "require", "--proxy-from", "127.0.0.0/8"];

/** Sends a line through a relay; returns the client's port. */
async function echoThrough(endpoint: string, check: (clientPort: number) => Promise<void>): Promise<void> {
  using conn = await dial(endpoint);
  await writeAll(conn, "hello\n");
  assertEquals(await new LinePeer(conn).line(), "hello");
  await check((conn.localAddr as Deno.NetAddr).port);
}

for (const version of ["v1", "v2"]) {
  Deno.test(`relay --send-proxy ${version} names each client to the target`, async () => {
    const args = ["echo", ":0", "--framing", "line", ...TRUSTED, "--metrics", ":0"];
    await using target = await startServer(args);
    const metrics = await target.server.line();
    await using relay = await startServer(["relay", ":0", target.endpoint, "--send-proxy", version]);
    for (let round = 0; round < 2; round++) {
      await echoThrough(relay.endpoint, async (clientPort) => {
        const { connections } = await untilSight(
          metrics,
          ({ connections }) => connections.length === 1 && connections[0]?.peer === `tcp://127.0.0.1:${clientPort}`,
        );
        // The relay's own address is kept.
        assertEquals((connections[0] as { proxy?: string }).proxy !== connections[0]?.peer, true);
      });
    }
  });
}

Deno.test("relay --send-proxy names the address that the client connected to, before TLS", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const target = `tls://127.0.0.1:${listener.addr.port}`;
  await using relay = await startServer(["relay", ":0", target, "--target-insecure", "--send-proxy", "v1"]);
  using client = await dial(relay.endpoint);
  using conn = await listener.accept();
  const peer = new LinePeer(conn);
  const from = (client.localAddr as Deno.NetAddr).port;
  assertEquals(await peer.line(), `PROXY TCP4 127.0.0.1 127.0.0.1 ${from} ${portOf(relay.endpoint)}\r`);
});

Deno.test("relay --target-insecure warns once, and not for every client", async () => {
  await using certificates = await CertificateFiles.create();
  const args = ["echo", "tls://127.0.0.1:0", "--framing", "line", ...certificates.flags()];
  await using target = await startServer(args);
  await using relay = await startServer(["relay", ":0", target.endpoint, "--target-insecure"]);
  for (let round = 0; round < 3; round++) await echoThrough(relay.endpoint, () => Promise.resolve());
  relay.server.kill("SIGTERM");
  const { stderr } = await relay.server.outcome();
  assertEquals(stderr.match(/NOT checked/g)?.length, 1);
});

Deno.test("relay --proxy-protocol with --send-proxy passes on the client that its own proxy names", async () => {
  await using target = await startServer(["echo", ":0", "--framing", "line", ...TRUSTED, "--metrics", ":0"]);
  const metrics = await target.server.line();
  await using relay = await startServer(["relay", ":0", target.endpoint, "--send-proxy", "v2", ...TRUSTED]);
  using conn = await dial(relay.endpoint);
  await writeAll(conn, "PROXY TCP6 2001:db8::9 2001:db8::1 51234 443\r\nhello\n");
  assertEquals(await new LinePeer(conn).line(), "hello");
  const { connections } = await untilSight(metrics, ({ connections }) => connections.length === 1);
  assertEquals(connections[0]?.peer, "tcp://[2001:db8::9]:51234");
});

toolTest("/usr/sbin/haproxy", "relay --send-proxy is read by HAProxy's accept-proxy, in either version", async () => {
  await using target = await startServer(["echo", ":0", "--framing", "line", ...TRUSTED, "--metrics", ":0"]);
  const metrics = await target.server.line();
  await using haproxy = await RealServer.create();
  const port = closedPort();
  const config = await haproxy.file(
    "haproxy.cfg",
    `defaults
 mode tcp
 timeout connect 5s
 timeout client 20s
 timeout server 20s
listen l
 bind 127.0.0.1:${port} accept-proxy
 server s 127.0.0.1:${portOf(target.endpoint)} send-proxy-v2
`,
  );
  haproxy.start("haproxy", ["-db", "-f", config]);
  (await whenListening(port)).close();
  for (const version of ["v1", "v2"]) {
    await using relay = await startServer(["relay", ":0", `127.0.0.1:${port}`, "--send-proxy", version]);
    await echoThrough(relay.endpoint, async (clientPort) => {
      await untilSight(
        metrics,
        ({ connections }) => connections.some(({ peer }) => peer === `tcp://127.0.0.1:${clientPort}`),
      );
    });
  }
});

toolTest(
  "microsocks",
  "relay --proxy reaches tcp, tls and ws targets through microsocks, and resets a refused one",
  async () => {
    await using files = await CertificateFiles.create();
    const args = ["echo", ":0", "tls://localhost:0", "ws://:0", "--framing", "line", ...files.flags()];
    await using target = await startServer(args);
    const endpoints = [target.endpoint, await target.server.line(), await target.server.line()];
    await using microsocks = await RealServer.create();
    const port = closedPort();
    microsocks.start("microsocks", ["-i", "127.0.0.1", "-p", `${port}`]);
    (await whenListening(port)).close();
    const through = ["--proxy", `socks5://127.0.0.1:${port}`, "--target-ca", files.path("ca.pem")];
    for (const endpoint of endpoints) {
      await using relay = await startServer(["relay", ":0", endpoint, ...through]);
      using conn = await dial(relay.endpoint);
      await writeAll(conn, "hello\n");
      assertEquals(await new LinePeer(conn).line(), "hello", endpoint);
    }
    const refused = ["relay", ":0", `127.0.0.1:${closedPort()}`, ...through];
    await using relay = await startServer(refused);
    using conn = await dial(relay.endpoint);
    const outcome = await new LinePeer(conn).line().catch((error: Error) => error.name);
    assertEquals(outcome === "ConnectionReset" || outcome === undefined, true, String(outcome));
    assertStringIncludes(await relay.server.errorLine(/cannot be reached/), `through socks5://127.0.0.1:${port}`);
  },
);

Deno.test("relay checks the flags of its route before it listens", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--proxy-resolve", "local"], "--proxy-resolve needs --proxy"],
    [["--proxy", "ftp://x"], "ftp"],
    [["-4", "-6"], "-4 and -6 cannot be combined"],
    [["--send-proxy", "v3"], "--send-proxy"],
  ];
  for (const [flags, words] of cases) {
    const { code, stderr } = await runProgram("server", ["relay", ":0", ":1", ...flags]);
    assertEquals([code, stderr.includes(words)], [2, true], stderr);
  }
});
