import { assertEquals, assertStringIncludes } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { closedPort, whenListening } from "../support/ports.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { RealServer } from "../support/real_server.ts";
import { runClient } from "../support/run_client.ts";
import { runTool, toolTest } from "../support/tools.ts";

/** A server that replies a second after a whole line has come, or soon after the client's end, and then ends. */
function lateServer(trigger: "line" | "end"): { port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (conn: Deno.Conn) => {
    using _ = conn;
    const bytes = new Uint8Array(1_024);
    let text = "";
    for (let count = await conn.read(bytes); count !== null; count = await conn.read(bytes)) {
      text += new TextDecoder().decode(bytes.subarray(0, count));
      if (trigger === "line" && text.endsWith("\n")) break;
    }
    if (text === "") return;
    await new Promise((resolve) => setTimeout(resolve, trigger === "line" ? 1_000 : 100));
    await conn.write(new TextEncoder().encode(`late ${text}`));
  };
  const serving: Promise<unknown>[] = [];
  const accepting = (async () => {
    // A proxy may be gone when the reply is sent.
    for await (const conn of listener) serving.push(serve(conn).catch(() => {}));
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await Promise.all([accepting, ...serving]);
    },
  };
}

interface RealProxy {
  readonly tool: string;
  readonly scheme: string;
  /** What a refused connection, and one to 127.0.0.2 where it is blocked, exit with. */
  readonly refused: number;
  readonly blocked?: number;
  /** Passes the end of one side on and keeps the other open. */
  readonly passesEnd?: boolean;
  start(server: RealServer, port: number): Promise<void>;
}

const PROXIES: readonly RealProxy[] = [
  {
    tool: "microsocks",
    scheme: "socks5",
    refused: 4,
    start: (server, port) => Promise.resolve(server.start("microsocks", ["-i", "127.0.0.1", "-p", `${port}`])),
  },
  {
    tool: "/usr/sbin/danted",
    scheme: "socks5",
    refused: 4,
    blocked: 8,
    passesEnd: true,
    async start(server, port) {
      const config = await server.file(
        "danted.conf",
        `errorlog: stderr
internal: 127.0.0.1 port = ${port}
external: lo
clientmethod: none
socksmethod: none
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks block { from: 0.0.0.0/0 to: 127.0.0.2/32 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
`,
      );
      server.start("danted", ["-f", config, "-p", `${server.folder}/pid`]);
    },
  },
  {
    tool: "tinyproxy",
    scheme: "http",
    refused: 1,
    async start(server, port) {
      const config = await server.file("tiny.conf", `Port ${port}\nListen 127.0.0.1\nTimeout 20\nAllow 127.0.0.1\n`);
      server.start("tinyproxy", ["-d", "-c", config]);
    },
  },
  {
    tool: "/usr/sbin/squid",
    scheme: "http",
    refused: 4,
    blocked: 8,
    async start(server, port) {
      const config = await server.file(
        "squid.conf",
        `http_port 127.0.0.1:${port}
acl bad dst 127.0.0.2
http_access deny bad
http_access allow all
cache deny all
access_log none
cache_log ${server.folder}/cache.log
pid_filename ${server.folder}/squid.pid
shutdown_lifetime 0 seconds
pinger_enable off
`,
      );
      // A name of its own, because a squid that was killed leaves shared memory under it.
      server.start("squid", ["-N", "-n", `parley${port}`, "-f", config]);
    },
  },
];

for (const proxy of PROXIES) {
  const name = proxy.tool.replace(/.*\//, "");
  toolTest(proxy.tool, `--proxy ${proxy.scheme} through ${name} hears late replies and reports refusals`, async () => {
    await using server = await RealServer.create();
    const port = closedPort();
    await proxy.start(server, port);
    (await whenListening(port)).close();
    const url = `${proxy.scheme}://127.0.0.1:${port}`;
    const through = (command: string, target: string, ...more: string[]) => [command, target, "--proxy", url, ...more];
    await using late = lateServer("line");
    const connect = through("connect", `tcp://127.0.0.1:${late.port}`);
    const outcome = await runClient(connect, "hello\n");
    assertEquals([outcome.code, outcome.stdout], [0, "late hello\n"], outcome.stderr);
    const refused = await runClient(through("connect", `tcp://127.0.0.1:${closedPort()}`));
    assertEquals(refused.code, proxy.refused, refused.stderr);
    assertStringIncludes(refused.stderr, ` through ${url}: `);
    if (proxy.blocked !== undefined) {
      const blocked = await runClient(through("connect", `tcp://127.0.0.2:${late.port}`));
      assertEquals(blocked.code, proxy.blocked, blocked.stderr);
    }
    await using lateEnd = lateServer("end");
    const unended = through("connect", `tcp://127.0.0.1:${lateEnd.port}`, "--wait-reply", "400ms");
    const ended = await runClient(unended, "hello\n");
    if (proxy.passesEnd) assertEquals([ended.code, ended.stdout], [0, "late hello\n"], ended.stderr);
    else assertEquals([ended.code, ended.stdout], [7, ""], ended.stderr);
  });
}

toolTest("microsocks", "--proxy carries tls, ws, checks, inspect, bench and chat; curl agrees", async () => {
  await using server = await RealServer.create();
  const port = closedPort();
  server.start("microsocks", ["-i", "127.0.0.1", "-p", `${port}`, "-u", "ann", "-P", "p@ss"]);
  (await whenListening(port)).close();
  const url = `socks5://ann:p%40ss@127.0.0.1:${port}`;
  await using files = await CertificateFiles.create();
  const args = ["echo", "tls://localhost:0", "ws://127.0.0.1:0", "--framing", "line", ...files.flags()];
  await using started = await startServer(args);
  const ws = await started.server.line();
  const ca = ["--tls-ca", files.path("ca.pem")];
  for (
    const command of [
      ["send", started.endpoint, "hello\\n", "--expect", "hello", ...ca],
      ["send", ws, "hello", "--expect", "hello"],
      ["check", started.endpoint, ...ca],
      ["check", ws, ws.replace("ws:", "http:").replace(/\/?$/, "/healthz")],
      ["inspect", started.endpoint, ...ca],
      ["bench", ws, "-n", "20", "-c", "2"],
    ]
  ) {
    const outcome = await runClient([...command, "--proxy", url]);
    assertEquals(outcome.code, 0, `${command[0]}: ${outcome.stdout}${outcome.stderr}`);
    assertEquals(outcome.stderr.includes("p@ss"), false);
  }
  // A certificate that is not trusted is examined in a second handshake, through the proxy too.
  const untrusted = await runClient(["send", started.endpoint, "x", "--proxy", url]);
  assertEquals(untrusted.code, 6);
  assertStringIncludes(untrusted.stderr, "trust");
  for (
    const [wrong, words] of [
      [`socks5://127.0.0.1:${port}`, "the proxy requires a name and a password"],
      [`socks5://ann:no@127.0.0.1:${port}`, "wrong name or password"],
    ]
  ) {
    const outcome = await runClient(["send", ws, "x", "--proxy", wrong ?? ""]);
    assertEquals([outcome.code, outcome.stderr.includes(words ?? "?")], [8, true], outcome.stderr);
  }
  const page = ws.replace("ws:", "http:").replace(/\/?$/, "/healthz");
  const curl = await runTool("curl", ["-sS", "--max-time", "10", "--proxy", url.replace("socks5:", "socks5h:"), page]);
  assertEquals([curl.code, curl.stdout], [0, "ok\n"]);
});

toolTest("microsocks", "several --proxy are chained, and --proxy env follows the variables", async () => {
  await using first = await RealServer.create();
  await using second = await RealServer.create();
  const ports = [closedPort(), closedPort()];
  first.start("microsocks", ["-i", "127.0.0.1", "-p", `${ports[0]}`]);
  second.start("microsocks", ["-i", "127.0.0.1", "-p", `${ports[1]}`]);
  for (const port of ports) (await whenListening(port)).close();
  await using started = await startServer(["echo", ":0", "--framing", "line"]);
  const send = ["send", started.endpoint, "hello\\n", "--expect", "hello"];
  const chain = ports.flatMap((port) => ["--proxy", `socks5://127.0.0.1:${port}`]);
  assertEquals((await runClient([...send, ...chain])).code, 0);
  await first.stop("SIGKILL");
  const broken = await runClient([...send, ...chain]);
  assertEquals(broken.code, 4, broken.stderr);
  assertStringIncludes(broken.stderr, `through socks5://127.0.0.1:${ports[0]}: cannot reach the proxy: `);
  // Variables of this process would be those of every test that runs.
  const env = { all_proxy: `socks5://127.0.0.1:${ports[0]}`, no_proxy: "" };
  for (const [variables, code] of [[env, 4], [{ ...env, no_proxy: "127.0.0.0/8" }, 0]] as const) {
    const outcome = await runProgram("client", [...send, "--proxy", "env"], { permissions: ["-A"], env: variables });
    assertEquals(outcome.code, code, outcome.stderr);
  }
});

toolTest("/usr/sbin/sshd", "--proxy socks5 goes through ssh -D", async () => {
  await using server = await RealServer.create();
  const [sshPort, port] = [closedPort(), closedPort()];
  const key = `${server.folder}/key`;
  await server.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const config = await server.file(
    "sshd_config",
    `ListenAddress 127.0.0.1:${sshPort}\nHostKey ${key}\nAuthorizedKeysFile ${key}.pub\nStrictModes no\nUsePAM yes\nPidFile none\n`,
  );
  server.start("/usr/sbin/sshd", ["-D", "-f", config]);
  (await whenListening(sshPort)).close();
  await using client = await RealServer.create();
  const options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"];
  const user = Deno.uid() === 0 ? "nobody" : Deno.env.get("USER") ?? "";
  client.start("ssh", [
    ...["-N", "-D", `127.0.0.1:${port}`, "-p", `${sshPort}`, "-i", key, ...options, `${user}@127.0.0.1`],
  ]);
  (await whenListening(port)).close();
  const url = `socks5://127.0.0.1:${port}`;
  await using late = lateServer("end");
  const args = ["connect", `tcp://127.0.0.1:${late.port}`, "--proxy", url, "--wait-reply", "400ms"];
  const outcome = await runClient(args, "hello\n");
  assertEquals([outcome.code, outcome.stdout], [0, "late hello\n"], outcome.stderr);
  const refused = await runClient(["connect", `tcp://127.0.0.1:${closedPort()}`, "--proxy", url]);
  assertEquals(refused.code, 7, refused.stderr);
  assertStringIncludes(refused.stderr, "the proxy closed the connection before it answered");
});

Deno.test("flags of a route that contradict each other are usage errors", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["-4", "-6"], "-4 and -6 cannot be combined"],
    [["--proxy", "ftp://secret@a"], 'unknown scheme "ftp"'],
    [["--proxy", "env", "--proxy", "socks5://a"], "cannot be combined"],
    [["--send-proxy-source", "1.2.3.4:1"], "--send-proxy-source needs --send-proxy"],
    [["--send-proxy", "v1", "--send-proxy-source", "1.2.3.4"], "expected ADDRESS:PORT"],
    [["--bind", "localhost"], "--bind: Cannot use"],
    [["--bind", "127.0.0.1:65536"], "--bind: Cannot use"],
    [["--proxy-resolve", "local"], "--proxy-resolve needs --proxy"],
    [["--proxy-ca", "ca.pem", "--proxy", "http://a"], "--proxy-ca needs an https proxy"],
  ];
  for (const [flags, words] of cases) {
    const { code, stderr } = await runClient(["send", "tcp://127.0.0.1:9", "x", ...flags]);
    assertEquals([code, stderr.includes(words), stderr.includes("secret")], [2, true, false], stderr);
  }
  const unix = await runClient(["send", "unix:/run/none", "x", "--proxy", "socks5://127.0.0.1"]);
  assertStringIncludes(unix.stderr, "a proxy cannot connect to Unix sockets");
  const proxy = ["--proxy", "socks5://127.0.0.1"];
  for (
    const [flag, target, flags] of [
      ["--proxy", "unixgram:/run/none", proxy],
      ["--bind", "udp://127.0.0.1:9", [...proxy, "--bind", "127.0.0.1"]],
      ["--ipv4", "dns://127.0.0.1:9", ["-4"]],
    ] as const
  ) {
    const { code, stderr } = await runClient(["check", "tcp://127.0.0.1:9", target, ...flags]);
    assertEquals([code, stderr.includes(`${flag} cannot be used with ${target}`)], [2, true], stderr);
  }
  const absent = await runClient(["check", "tcp://127.0.0.1:9", "--invert", "--proxy", "socks5://127.0.0.1"]);
  assertStringIncludes(absent.stderr, "--invert and --proxy cannot be combined");
});

Deno.test("--bind connects from an address and a port of this machine, and -4 and -6 choose the family", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const local = closedPort();
  const sending = runClient(["send", `:${listener.addr.port}`, "x", "--no-reply", "--bind", `127.0.0.3:${local}`]);
  const conn = await listener.accept();
  assertEquals(conn.remoteAddr, { transport: "tcp", hostname: "127.0.0.3", port: local });
  conn.close();
  assertEquals((await sending).code, 0);
  const none = await runClient(["check", `127.0.0.1:${listener.addr.port}`, "-6"]);
  assertEquals([none.code, (none.stdout + none.stderr).includes("no IPv6 address")], [3, true], none.stdout);
  const foreign = await runClient(["send", `:${listener.addr.port}`, "x", "--bind", "203.0.113.9"]);
  assertEquals(foreign.code, 8, foreign.stderr);
});

toolTest("curl", "--proxy https:// opens the tunnel inside TLS, and trusts only --proxy-ca; curl agrees", async () => {
  await using files = await CertificateFiles.create();
  await using proxy = await startServer(["proxy", "tls://localhost:0", ...files.flags()]);
  await using started = await startServer(["echo", "tls://localhost:0", "ws://127.0.0.1:0", ...files.flags()]);
  const ws = await started.server.line();
  const url = proxy.endpoint.replace("tls:", "https:");
  const trusting = ["--proxy", url, "--proxy-ca", files.path("ca.pem")];
  for (
    const command of [
      ["send", started.endpoint, "hello", "--expect", "hello", "--tls-ca", files.path("ca.pem")],
      ["send", ws, "hello", "--expect", "hello"],
      ["check", ws],
    ]
  ) {
    const { code, stdout, stderr } = await runClient([...command, ...trusting]);
    assertEquals(code, 0, stdout + stderr);
  }
  const untrusted = await runClient(["send", ws, "x", "--proxy", url]);
  assertEquals(untrusted.code, 6, untrusted.stderr);
  const refused = await runClient(["send", `127.0.0.1:${closedPort()}`, "x", ...trusting]);
  assertEquals(refused.code, 4, refused.stderr);
  const page = ws.replace("ws:", "http:").replace(/\/?$/, "/healthz");
  const tunnel = ["--proxytunnel", "--proxy", url, "--proxy-cacert", files.path("ca.pem")];
  const curl = await runTool("curl", ["-sS", "--max-time", "10", ...tunnel, page]);
  assertEquals([curl.code, curl.stdout], [0, "ok\n"], curl.stderr);
});
