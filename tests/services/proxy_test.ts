import { assertEquals, assertStringIncludes } from "@std/assert";
import { TargetList } from "../../src/services/proxy/target_list.ts";
import { encodeSocksRequest, SOCKS_COMMAND } from "../../src/framing/socks.ts";
import { Logger } from "../../src/log/logger.ts";
import { ProxyServer } from "../../src/services/proxy/proxy_server.ts";
import { FakeSession } from "../support/fake_session.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { withinTime } from "../support/give_back.ts";
import { closedPort, portOf } from "../support/ports.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { runClient } from "../support/run_client.ts";
import { untilSight } from "../support/sight.ts";
import { runTool, toolTest } from "../support/tools.ts";

const URLS = (endpoint: string, user = "") =>
  ["socks5", "http"].map((scheme) => endpoint.replace("tcp://", `${scheme}://${user}`));

Deno.test("parley-server proxy serves SOCKS 5 and HTTP CONNECT on one port, and passes each end on", async () => {
  await using started = await startServer(["proxy", ":0", "--metrics", ":0"]);
  const metrics = await started.server.line();
  await using echo = await startServer(["echo", ":0"]);
  for (const url of URLS(started.endpoint)) {
    // The echo ends after the client's end: both ends go through the proxy.
    const args = ["connect", echo.endpoint, "--proxy", url, "--wait-reply", "300ms"];
    const outcome = await runClient(args, "hello");
    assertEquals([outcome.code, outcome.stdout], [0, "hello"], outcome.stderr);
    const refused = await runClient(["connect", `127.0.0.1:${closedPort()}`, "--proxy", url]);
    assertEquals([refused.code, refused.stderr.includes("refused")], [4, true], refused.stderr);
    const unknown = await runClient(["connect", "tcp://no-such-host.invalid:1", "--proxy", url]);
    assertEquals(unknown.code, 4, unknown.stderr);
  }
  const sight = await untilSight(metrics, ({ recentlyClosed }) => recentlyClosed.length === 6);
  const notes = (sight.recentlyClosed as { note?: string }[]).map(({ note }) => note);
  assertEquals(notes.includes(echo.endpoint.replace("tcp://", "to ")), true, JSON.stringify(sight.recentlyClosed));
});

Deno.test("--allow-target and --deny-target of proxy reject by range and by name", async () => {
  const flags = ["--allow-target", "127.0.0.0/8", "--deny-target", "127.0.0.2", "--deny-target", "*.localhost"];
  await using started = await startServer(["proxy", ":0", ...flags]);
  await using echo = await startServer(["echo", "tcp://127.0.0.1:0", "--framing", "line"]);
  const port = portOf(echo.endpoint);
  for (const url of URLS(started.endpoint)) {
    const send = (target: string) => runClient(["send", target, "a\\n", "--expect", "a", "--proxy", url]);
    assertEquals((await send(`127.0.0.1:${port}`)).code, 0);
    for (const target of [`127.0.0.2:${port}`, `app.localhost:${port}`, `[::1]:${port}`]) {
      const outcome = await send(target);
      assertEquals([target, outcome.code], [target, 8], outcome.stderr);
    }
  }
});

Deno.test("--deny-target of proxy holds for 0.0.0.0 and ::, by which the kernel connects to this machine", async () => {
  await using started = await startServer(["proxy", ":0", "--deny-target", "127.0.0.0/8", "--deny-target", "::1"]);
  for (const target of ["0.0.0.0:9", "[::]:9", "[::ffff:0.0.0.0]:9"]) {
    for (const url of URLS(started.endpoint)) {
      const outcome = await runClient(["connect", target, "--proxy", url, "--proxy-resolve", "proxy"]);
      assertEquals([target, outcome.code], [target, 8], outcome.stderr);
    }
  }
});

Deno.test("proxy does not connect to itself, by any address, so that no chain outlives its client", async () => {
  for (const host of ["127.0.0.1", "0.0.0.0"]) {
    await using started = await startServer(["proxy", `${host}:0`, "--max-connections", "1"]);
    const port = portOf(started.endpoint);
    const here = host === "0.0.0.0" ? ["127.0.0.1", "localhost", "127.0.0.2", "0.0.0.0"] : ["127.0.0.1", "localhost"];
    for (const target of here) {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeAll(conn, `CONNECT ${target}:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const answer = await readTextToEnd(conn);
      assertStringIncludes(answer, "403 Forbidden");
      assertStringIncludes(answer, "Proxy-Status: parley; error=proxy_loop_detected");
      assertStringIncludes(answer, `${target}:${port} is this proxy itself`);
    }
  }
});

Deno.test("proxy with --auth wants a name and a password, by both protocols", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { stdout } = await runProgram("server", ["hash-password", "ann"], { input: "secret\n" });
    await Deno.writeTextFile(`${folder}/names`, stdout);
    await using started = await startServer(["proxy", ":0", "--auth", `${folder}/names`]);
    // Before a client in this process receives the log.
    using intruder = await dial(started.endpoint);
    const authorization = `Proxy-Authorization: Basic ${btoa("ann:wrong")}`;
    await writeAll(intruder, `CONNECT a:1 HTTP/1.1\r\nHost: a\r\n${authorization}\r\n\r\n`);
    await started.server.errorLine(/ warning \[proxy\] log-in failed .*name=ann address=127\.0\.0\.1$/);
    await using echo = await startServer(["echo", ":0", "--framing", "line"]);
    const codes = async (user: string) => {
      const outcomes = await Promise.all(
        URLS(started.endpoint, user).map((url) =>
          runClient(["send", echo.endpoint, "a\\n", "--expect", "a", "--proxy", url])
        ),
      );
      return outcomes.map(({ code }) => code);
    };
    assertEquals(await codes("ann:secret@"), [0, 0]);
    assertEquals(await codes(""), [8, 8]);
    assertEquals(await codes("ann:wrong@"), [8, 8]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("proxy answers what it does not serve, in the client's protocol", async () => {
  await using started = await startServer(["proxy", ":0", "--auth-timeout", "1s", "--auth", "/dev/null"]);
  await using open = await startServer(["proxy", ":0"]);
  const ask = async (endpoint: string, ...parts: (string | Uint8Array)[]) => {
    using conn = await dial(endpoint);
    for (const part of parts) await writeAll(conn, part);
    return await readTextToEnd(conn);
  };
  assertStringIncludes(await ask(open.endpoint, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "405 ");
  assertStringIncludes(await ask(open.endpoint, "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"), "400 ");
  assertStringIncludes(await ask(open.endpoint, "CONNECT a:99999 HTTP/1.1\r\nHost: a\r\n\r\n"), "400 ");
  assertStringIncludes(
    await ask(started.endpoint, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "Proxy-Authenticate: Basic",
  );
  const greeting = Uint8Array.of(5, 1, 0);
  assertEquals(await ask(started.endpoint, greeting), "\x05\ufffd");
  const bind = Uint8Array.of(5, 2, 0, 1, 127, 0, 0, 1, 0, 1);
  assertEquals(await ask(open.endpoint, greeting, bind), "\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00");
  assertStringIncludes(await ask(open.endpoint, "hello\n"), "HTTP/1.1 400 ");
});

Deno.test("proxy forwards a request that arrives together with the handshake, split anywhere", async () => {
  await using started = await startServer(["proxy", ":0"]);
  await using echo = await startServer(["echo", "tcp://127.0.0.1:0", "--framing", "line"]);
  const { host } = new URL(echo.endpoint.replace("tcp:", "http:"));
  const head = new TextEncoder().encode(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\nhello\n`);
  for (const cut of [1, 9, head.length - 3, head.length]) {
    using conn = await dial(started.endpoint);
    conn.setNoDelay(true);
    await writeAll(conn, head.subarray(0, cut));
    await writeAll(conn, head.subarray(cut));
    const peer = new LinePeer(conn);
    assertEquals([await peer.line(), await peer.line(), await peer.line()], [
      "HTTP/1.1 200 Connection established\r",
      "\r",
      "hello",
    ]);
  }
});

toolTest("curl", "curl connects through parley-server proxy by socks5, socks5h and http", async () => {
  await using started = await startServer(["proxy", ":0"]);
  await using page = await startServer(["echo", "ws://127.0.0.1:0"]);
  const url = `${page.endpoint.replace("ws:", "http:").replace(/\/?$/, "")}/healthz`;
  for (const scheme of ["socks5", "socks5h", "http"]) {
    const proxy = ["--proxy", started.endpoint.replace("tcp:", `${scheme}:`), "--proxytunnel"];
    const { code, stdout, stderr } = await runTool("curl", ["-sS", "--max-time", "10", ...proxy, url]);
    assertEquals([code, stdout], [0, "ok\n"], stderr);
  }
});

Deno.test("TargetList matches names and addresses, and deny takes precedence", () => {
  const list = new TargetList({ allow: ["*.corp.example", "10.0.0.0/8"], deny: ["secret.corp.example", "10.0.0.1"] });
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["a.corp.example", "192.0.2.1", true],
    ["A.CORP.example.", "192.0.2.1", true],
    ["corp.example", "192.0.2.1", false],
    ["xcorp.example", "192.0.2.1", false],
    ["secret.corp.example", "10.2.3.4", false],
    ["a.corp.example", "10.0.0.1", false],
    ["10.9.9.9", "10.9.9.9", true],
    ["::ffff:10.9.9.9", "::ffff:10.9.9.9", true],
    ["192.0.2.1", "192.0.2.1", false],
  ];
  for (const [host, address, wanted] of cases) assertEquals([host, list.isAllowed(host, address)], [host, wanted]);
});

for (const protocol of ["SOCKS 5", "HTTP"] as const) {
  Deno.test(`proxy closes the connection to a target if its client has left before the reply of ${protocol}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const limits = { connectTimeoutMs: 60_000, handshakeTimeoutMs: 60_000, maxAssociations: 1 };
    const server = new ProxyServer({ allow: [], deny: [], log: Logger.of("test"), ...limits });
    const { transport, connection } = fakeConnection();
    const reply = Promise.withResolvers<number>();
    // The method of SOCKS is chosen at once.
    transport.write = (bytes) => bytes.length === 2 ? Promise.resolve(2) : reply.promise;
    if (protocol === "HTTP") transport.say(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: x\r\n\r\n`);
    else {
      transport.say(Uint8Array.of(5, 1, 0));
      transport.say(encodeSocksRequest(SOCKS_COMMAND.connect, { host: "127.0.0.1", port }));
    }
    const serving = server.serve(new FakeSession(), connection).catch(() => {});
    using target = await listener.accept();
    const ended = target.read(new Uint8Array(1));
    connection.close("reset");
    reply.resolve(0);
    await serving;
    assertEquals(await withinTime(ended, "the end of the connection to the target", 2_000), null);
  });
}
