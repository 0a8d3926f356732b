import { assertEquals, assertStringIncludes } from "@std/assert";
import { concat, utf8 } from "../../src/base/bytes.ts";
import { encodeProxyHeader, parseProxyHeader } from "../../src/framing/proxy_header.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { closedPort, portOf, whenListening } from "../support/ports.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { RealServer } from "../support/real_server.ts";
import { runClient } from "../support/run_client.ts";
import { untilSight } from "../support/sight.ts";
import { ipv6Test, runTool, toolTest } from "../support/tools.ts";

const CLIENT = { host: "203.0.113.9", port: 51_234 };
const ADDRESSES = { source: CLIENT, destination: { host: "192.0.2.1", port: 443 } };
const V1 = encodeProxyHeader({ version: 1, command: "proxy", addresses: ADDRESSES });
const V2 = encodeProxyHeader({ version: 2, command: "proxy", addresses: ADDRESSES }, { withChecksum: true });
const TRUSTED = ["--proxy-protocol", "require", "--proxy-from", "127.0.0.0/8"];

Deno.test("--proxy-protocol reports the client in logs, /connections and limits, together with the proxy", async () => {
  const args = ["echo", ":0", "--framing", "line", ...TRUSTED, "--max-per-ip", "1", "--metrics", ":0"];
  await using started = await startServer([...args, "--log-level", "debug"]);
  const metrics = await started.server.line();
  for (const header of [V1, V2]) {
    using conn = await dial(started.endpoint);
    const peer = new LinePeer(conn);
    // In two writes: the header may be cut anywhere.
    await writeAll(conn, header.subarray(0, 9));
    await writeAll(conn, concat([header.subarray(9), utf8("hello\n")]));
    assertEquals(await peer.line(), "hello");
    const { connections } = await untilSight(metrics, ({ connections }) => connections.length === 1);
    const [only] = connections as { peer: string; proxy?: string }[];
    assertEquals(only?.peer, "tcp://203.0.113.9:51234");
    assertStringIncludes(only?.proxy ?? "", "tcp://127.0.0.1:");
    // The limit counts the client's address: the proxy's own is on loopback, and exempt.
    using second = await dial(started.endpoint);
    await writeAll(second, header);
    assertEquals(await readTextToEnd(second), "! too many connections from your address: at most 1\n");
    await conn.closeWrite();
    await untilSight(metrics, ({ connections }) => connections.length === 0);
  }
  await started.server.errorLine(/peer=tcp:\/\/203\.0\.113\.9:51234.*proxy=tcp:\/\/127\.0\.0\.1/);
});

Deno.test("--deny rejects the client that a PROXY header names, over ws too", async () => {
  await using started = await startServer(["echo", ":0", "ws://:0", ...TRUSTED, "--deny", "203.0.113.0/24"]);
  using tcp = await dial(started.endpoint);
  await writeAll(tcp, V2);
  assertEquals(await readTextToEnd(tcp), "");
  using ws = await dial(await started.server.line());
  await writeAll(ws, concat([V1, utf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")]));
  assertStringIncludes(await readTextToEnd(ws), "HTTP/1.1 403 ");
});

Deno.test("a client outside --proxy-from cannot name another address", async () => {
  const from = ["--proxy-from", "10.0.0.0/8", "--metrics", ":0"];
  await using accepting = await startServer(["echo", ":0", "--proxy-protocol", "accept", ...from]);
  using conn = await dial(accepting.endpoint);
  await writeAll(conn, V1);
  await conn.closeWrite();
  assertEquals(await readTextToEnd(conn), new TextDecoder().decode(V1));
  await using requiring = await startServer(["echo", ":0", "--proxy-protocol", "require", ...from]);
  using rejected = await dial(requiring.endpoint);
  await writeAll(rejected, V1);
  assertEquals(await readTextToEnd(rejected).catch((error: Error) => error.name), "");
  const metrics = await requiring.server.line();
  const sight = await untilSight(metrics, ({ closedByReason }) => closedByReason["handshake failed"] === 1);
  assertStringIncludes(sight.recentlyClosed[0]?.error ?? "", "not a trusted proxy");
});

Deno.test("--proxy-protocol accept serves a trusted peer without a header; require closes it, and one that is silent", async () => {
  const accept = ["--proxy-protocol", "accept", "--proxy-from", "127.0.0.1"];
  await using accepting = await startServer(["echo", ":0", "--framing", "line", ...accept]);
  using plain = new LinePeer(await dial(accepting.endpoint)).conn;
  await writeAll(plain, "PROX\n");
  assertEquals(await new LinePeer(plain).line(), "PROX");
  await using requiring = await startServer([
    "echo",
    ":0",
    ...TRUSTED,
    "--metrics",
    ":0",
    "--handshake-timeout",
    "200ms",
  ]);
  const metrics = await requiring.server.line();
  using wrong = await dial(requiring.endpoint);
  await writeAll(wrong, "hello\n");
  await untilSight(metrics, ({ closedByReason }) => closedByReason["handshake failed"] === 1);
  using silent = await dial(requiring.endpoint);
  await untilSight(metrics, ({ closedByReason }) => closedByReason["handshake timeout"] === 1);
  assertEquals(await readTextToEnd(silent).catch(() => ""), "");
});

Deno.test("flags of the PROXY protocol that belong together are checked", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--proxy-protocol", "require"], "--proxy-protocol needs --proxy-from"],
    [["--proxy-from", "10.0.0.0/8"], "--proxy-from needs --proxy-protocol"],
    [["--proxy-inside-tls", ...TRUSTED], "--proxy-inside-tls needs a tls or wss endpoint"],
    [["--trusted-proxy", "10.0.0.0/8"], "--trusted-proxy needs a ws or wss endpoint"],
    [["--proxy-protocol", "require", "--proxy-from", "proxy"], 'Cannot parse address range "proxy"'],
  ];
  for (const [flags, words] of cases) {
    const { code, stderr } = await runProgram("server", ["echo", ":0", ...flags]);
    assertEquals([code, stderr.includes(words)], [2, true], stderr);
  }
});

Deno.test("--send-proxy sends a header before TLS and before data", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  for (const version of ["v1", "v2"]) {
    const source = ["--send-proxy-source", "203.0.113.9:51234"];
    const sending = runClient(["send", `:${port}`, "hello", "--send-proxy", version, ...source, "--no-reply"]);
    using conn = await listener.accept();
    const text = await readTextToEnd(conn);
    assertEquals((await sending).code, 0, (await sending).stderr);
    if (version === "v1") {
      assertEquals(text, `PROXY TCP4 203.0.113.9 127.0.0.1 51234 ${port}\r\nhello`);
    }
  }
  await using started = await startServer(["echo", ":0", "--framing", "line", ...TRUSTED, "--metrics", ":0"]);
  const metrics = await started.server.line();
  const { code, stdout, stderr } = await runClient([
    ...["send", started.endpoint, "hello\n", "--expect", "hello", "--send-proxy", "v2"],
    ...["--send-proxy-source", "203.0.113.9:51234"],
  ]);
  assertEquals([code, stdout], [0, "hello\n"], stderr);
  const sight = await untilSight(metrics, ({ recentlyClosed }) => recentlyClosed.length === 1);
  assertEquals(sight.recentlyClosed[0]?.peer, "tcp://203.0.113.9:51234");
});

toolTest(
  "/usr/sbin/haproxy",
  "HAProxy's send-proxy and send-proxy-v2 name the client, with and without TLS",
  async () => {
    await using files = await CertificateFiles.create();
    const tls = files.flags();
    const args = ["echo", "tcp://:0", "tls://:0", "--framing", "line", ...tls, ...TRUSTED, "--metrics", ":0"];
    await using started = await startServer([...args]);
    const [tlsEndpoint, metrics] = [await started.server.line(), await started.server.line()];
    const [plain, secure] = [portOf(started.endpoint), portOf(tlsEndpoint)];
    const ways: readonly string[] = [
      `127.0.0.1:${plain} send-proxy`,
      `127.0.0.1:${plain} send-proxy-v2`,
      `127.0.0.1:${plain} send-proxy-v2 proxy-v2-options crc32c,authority,unique-id,ssl`,
      `127.0.0.1:${secure} send-proxy-v2 ssl verify none`,
      `127.0.0.1:${secure} send-proxy ssl verify none`,
    ];
    await using haproxy = await RealServer.create();
    const ports = ways.map(() => closedPort());
    const config = await haproxy.file(
      "haproxy.cfg",
      [
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 20s\n timeout server 20s",
        ...ways.map((way, index) => `listen l${index}\n bind 127.0.0.1:${ports[index]} accept-proxy\n server s ${way}`),
        "",
      ].join("\n"),
    );
    haproxy.start("haproxy", ["-db", "-f", config]);
    for (const [index, port] of ports.entries()) {
      // HAProxy reads our header by accept-proxy, and sends its own.
      using conn = await whenListening(port);
      const peer = new LinePeer(conn);
      await writeAll(conn, concat([index % 2 === 0 ? V2 : V1, utf8("hello\n")]));
      assertEquals(await peer.line(), "hello", ways[index]);
      const { connections } = await untilSight(metrics, ({ connections }) => connections.length === 1);
      assertEquals(connections[0]?.peer.replace(/^\w+:/, ""), "//203.0.113.9:51234", ways[index]);
      await conn.closeWrite();
      await untilSight(metrics, ({ connections }) => connections.length === 0);
    }
  },
);

toolTest("nginx", "nginx reads our PROXY header", async () => {
  await using nginx = await RealServer.create();
  const port = closedPort();
  const config = await nginx.file(
    "nginx.conf",
    `daemon off; pid ${nginx.folder}/pid; error_log stderr; events {}
http {
  access_log off;
  client_body_temp_path ${nginx.folder}/a; proxy_temp_path ${nginx.folder}/b; fastcgi_temp_path ${nginx.folder}/c;
  uwsgi_temp_path ${nginx.folder}/d; scgi_temp_path ${nginx.folder}/e;
  server { listen 127.0.0.1:${port} proxy_protocol; location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port"; } }
}
`,
  );
  nginx.start("nginx", ["-c", config, "-p", nginx.folder]);
  (await whenListening(port)).close();
  for (const version of ["v1", "v2"]) {
    const { code, stdout, stderr } = await runClient([
      ...["send", `:${port}`, "GET / HTTP/1.0\\r\\n\\r\\n", "--expect", "203.0.113.9:51234"],
      ...["--send-proxy", version, "--send-proxy-source", "203.0.113.9:51234"],
    ]);
    assertEquals(code, 0, stdout + stderr);
  }
});

const NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so";
toolTest(NGINX_STREAM, "nginx passes the client of our PROXY header on in its own, with and without TLS", async () => {
  await using files = await CertificateFiles.create();
  const args = ["echo", "tcp://:0", "tls://:0", "--framing", "line", ...files.flags(), ...TRUSTED, "--metrics", ":0"];
  await using started = await startServer(args, { permissions: ["-A"] });
  const [tlsEndpoint, metrics] = [await started.server.line(), await started.server.line()];
  await using nginx = await RealServer.create();
  const ways = [`127.0.0.1:${portOf(started.endpoint)};`, `127.0.0.1:${portOf(tlsEndpoint)}; proxy_ssl on;`];
  const ports = ways.map(() => closedPort());
  const config = await nginx.file(
    "nginx.conf",
    `load_module ${NGINX_STREAM};
daemon off; pid ${nginx.folder}/pid; error_log stderr; events {}
stream {
  set_real_ip_from 127.0.0.0/8;
${
      ways.map((way, index) =>
        `  server { listen 127.0.0.1:${ports[index]} proxy_protocol; proxy_protocol on; proxy_pass ${way} }\n`
      ).join("")
    }}
`,
  );
  nginx.start("nginx", ["-c", config, "-p", nginx.folder]);
  for (const [index, port] of ports.entries()) {
    for (const header of [V1, V2]) {
      using conn = await whenListening(port);
      await writeAll(conn, concat([header, utf8("hello\n")]));
      assertEquals(await new LinePeer(conn).line(), "hello", ways[index]);
      const { connections } = await untilSight(metrics, ({ connections }) => connections.length === 1);
      assertEquals(connections[0]?.peer.replace(/^\w+:/, ""), "//203.0.113.9:51234", ways[index]);
      await conn.closeWrite();
      await untilSight(metrics, ({ connections }) => connections.length === 0);
    }
  }
});

toolTest("curl", "curl --haproxy-protocol is read before HTTP", async () => {
  await using started = await startServer(["echo", "ws://:0", ...TRUSTED]);
  const url = `http://127.0.0.1:${portOf(started.endpoint)}/healthz`;
  const { code, stdout } = await runTool("curl", ["-sS", "--max-time", "10", "--haproxy-protocol", url]);
  assertEquals([code, stdout], [0, "ok\n"]);
});

Deno.test("--proxy-inside-tls reads the header inside TLS", async () => {
  await using files = await CertificateFiles.create();
  const tls = [...files.flags(), "--proxy-inside-tls"];
  await using started = await startServer([
    "echo",
    "tls://localhost:0",
    "--framing",
    "line",
    ...tls,
    ...TRUSTED,
    "--metrics",
    ":0",
  ]);
  const metrics = await started.server.line();
  using conn = await Deno.connectTls({
    hostname: "localhost",
    port: portOf(started.endpoint),
    caCerts: [await Deno.readTextFile(files.path("ca.pem"))],
  });
  await writeAll(conn, concat([V2, utf8("hello\n")]));
  assertEquals(await new LinePeer(conn).line(), "hello");
  const { connections } = await untilSight(metrics, ({ connections }) => connections.length === 1);
  assertEquals(connections[0]?.peer, "tls://203.0.113.9:51234");
});

Deno.test("--trusted-proxy takes the WebSocket client from Forwarded or X-Forwarded-For", async () => {
  const args = ["echo", "ws://:0", "--trusted-proxy", "127.0.0.0/8", "--max-per-ip", "1", "--metrics", ":0"];
  await using started = await startServer([...args, "--deny", "198.51.100.0/24"]);
  const metrics = await started.server.line();
  const upgrade = async (field: string, path = "/") => {
    const conn = await dial(started.endpoint);
    await writeAll(
      conn,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n${field}\r\n\r\n`,
    );
    return { conn, status: (await new LinePeer(conn).line())?.split(" ")[1] };
  };
  for (const field of ["X-Forwarded-For: 6.6.6.6, 203.0.113.9, 127.0.0.7", 'Forwarded: for=_x, for="203.0.113.9:80"']) {
    const { conn, status } = await upgrade(field);
    assertEquals(status, "101");
    const { connections } = await untilSight(metrics, ({ connections }) => connections.length === 1);
    assertEquals(connections[0]?.peer.startsWith("ws://203.0.113.9:"), true, connections[0]?.peer);
    const second = await upgrade("X-Forwarded-For: 203.0.113.9");
    assertEquals(second.status, "503");
    second.conn.close();
    conn.close();
    await untilSight(metrics, ({ connections }) => connections.length === 0);
  }
  for (
    const [field, wanted] of [
      ["X-Forwarded-For: 198.51.100.3", "403"],
      ["X-Forwarded-For: 203.0.113.9\r\nForwarded: for=1.2.3.4", "400"],
      ["X-A: b", "101"],
    ]
  ) {
    const { conn, status } = await upgrade(field ?? "");
    conn.close();
    assertEquals(status, wanted);
  }
});

ipv6Test("--send-proxy names the addresses of an IPv6 connection", async () => {
  using listener = Deno.listen({ hostname: "::1", port: 0 });
  const { port } = listener.addr;
  const sending = runClient(["send", `[::1]:${port}`, "x", "--send-proxy", "v2", "--no-reply"]);
  using conn = await listener.accept();
  const bytes = new Uint8Array(256);
  let length = 0;
  for (let count = await conn.read(bytes); count !== null; count = await conn.read(bytes.subarray(length))) {
    length += count;
  }
  assertEquals((await sending).code, 0);
  const { addresses } = parseProxyHeader(bytes.subarray(0, length))?.header ?? {};
  assertEquals(addresses?.destination, { host: "::1", port });
});
