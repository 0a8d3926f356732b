import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { LinePeer } from "../support/peer.ts";
import { portOf } from "../support/ports.ts";
import { runProgram, startServer } from "../support/program.ts";
import { toolTest } from "../support/tools.ts";

async function startTlsEcho(files: CertificateFiles, flags: readonly string[] = []) {
  return await startServer(["echo", "tls://127.0.0.1:0", ...files.flags(), ...flags], {
    permissions: ["-N", `--allow-read=${files.folder}`],
  });
}

function hostPort(endpoint: string): string {
  return endpoint.replace(/^\w+:\/\//, "");
}

async function dialTls(endpoint: string, ca: string): Promise<Deno.TlsConn> {
  const port = portOf(endpoint);
  return await Deno.connectTls({ hostname: "localhost", port, caCerts: [ca] });
}

/** The first thing that the server answers to a line of `openssl s_client`; empty where it closes. */
async function exchangeByOpenssl(endpoint: string, args: readonly string[]): Promise<string> {
  const client = new Deno.Command("openssl", {
    args: ["s_client", "-quiet", "-connect", hostPort(endpoint), ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = client.stdin.getWriter();
  // A client that was refused has ended, and its pipe with it.
  await writer.write(new TextEncoder().encode("hello\n")).catch(() => {});
  const reader = client.stdout.getReader();
  const { value } = await reader.read();
  await writer.close().catch(() => {});
  await reader.cancel();
  try {
    client.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await client.status;
  return value === undefined ? "" : new TextDecoder().decode(value);
}

toolTest("openssl", "openssl s_client gets an echo and sees a chain that it trusts", async () => {
  await using files = await CertificateFiles.create();
  // Starting openssl may take a busy machine longer than the usual five seconds.
  await using echo = await startTlsEcho(files, ["--handshake-timeout", "60s"]);
  const trust = ["-verify_return_error", "-CAfile", files.path("ca.pem"), "-verify_hostname", "localhost"];
  assertEquals(await exchangeByOpenssl(echo.endpoint, trust), "hello\n");
});

toolTest(
  "openssl",
  "a server with --tls-client-ca rejects openssl without a certificate and serves it with one",
  async () => {
    await using files = await CertificateFiles.create();
    await files.issue("client.pem", "client-key.pem", { name: "client 7" });
    await using echo = await startTlsEcho(files, [
      "--tls-client-ca",
      files.path("ca.pem"),
      "--handshake-timeout",
      "60s",
    ]);
    assertEquals(await exchangeByOpenssl(echo.endpoint, []), "");
    await echo.server.errorLine(/TLS handshake failed .*reason="client certificate"/);
    const identity = ["-cert", files.path("client.pem"), "-key", files.path("client-key.pem")];
    assertEquals(await exchangeByOpenssl(echo.endpoint, identity), "hello\n");
  },
);

Deno.test("SIGHUP shows a new certificate to new clients, keeps the open ones, and keeps the old one if the new is bad", async () => {
  await using files = await CertificateFiles.create();
  await using echo = await startTlsEcho(files);
  const old = files.authority.cert;
  using open = await dialTls(echo.endpoint, old);
  await using another = await CertificateFiles.create();
  await files.write("cert.pem", await Deno.readTextFile(another.path("cert.pem")));
  echo.server.kill("SIGHUP");
  await echo.server.errorLine(/cannot reload the certificate; keeping the old one .*do not belong together/);
  using still = await dialTls(echo.endpoint, old);
  await still.handshake();

  await files.write("key.pem", await Deno.readTextFile(another.path("key.pem")));
  echo.server.kill("SIGHUP");
  // The first such line is of the start.
  await echo.server.errorLine(/certificate in use/);
  using fresh = await dialTls(echo.endpoint, another.authority.cert);
  for (const conn of [open, still, fresh]) {
    const peer = new LinePeer(conn);
    await peer.send("hello");
    assertEquals(await peer.line(), "hello");
  }
});

Deno.test("SIGHUP while clients connect loses none of them", async () => {
  await using files = await CertificateFiles.create();
  await using echo = await startTlsEcho(files);
  for (let round = 0; round < 5; round++) {
    const clients = Array.from({ length: 10 }, async (_, index) => {
      using conn = await dialTls(echo.endpoint, files.authority.cert);
      const peer = new LinePeer(conn);
      await peer.send(`client ${index}`);
      return await peer.line();
    });
    echo.server.kill("SIGHUP");
    assertEquals(await Promise.all(clients), clients.map((_, index) => `client ${index}`));
  }
});

Deno.test("a TLS endpoint names the flags that it needs, and the flags an endpoint", async () => {
  await using files = await CertificateFiles.create();
  const none = await runProgram("server", ["echo", "tls://:0"]);
  assertEquals([none.code, none.stderr.split("\n")[0]], [
    2,
    "parley-server: tls://:0 needs --tls-cert FILE and --tls-key FILE",
  ]);
  for (const flags of [files.flags(), ["--alpn", "h2"]]) {
    // With a command, a server that started would end.
    const idle = await runProgram("server", ["echo", ":0", ...flags, "--", "true"]);
    assertStringIncludes(idle.stderr, "requires a tls:// or wss:// endpoint");
    assertEquals(idle.code, 2);
  }
});

Deno.test("a server rejects a key file that the sandbox forbids, in one line", async () => {
  await using files = await CertificateFiles.create();
  const { code, stderr } = await runProgram("server", ["echo", "tls://:0", ...files.flags()], {
    permissions: ["-N", `--allow-read=${files.path("cert.pem")}`],
  });
  assertEquals(code, 8);
  assertEquals(
    stderr,
    `parley-server: Cannot read the private key ${files.path("key.pem")}: run again with --allow-read=${
      files.path("key.pem")
    }\n`,
  );
});

Deno.test("a draining server does not wait for clients that are still shaking hands", async () => {
  await using files = await CertificateFiles.create();
  await using echo = await startTlsEcho(files, ["--handshake-timeout", "1m", "--drain-timeout", "1m"]);
  const port = portOf(echo.endpoint);
  using silent = await Deno.connect({ hostname: "127.0.0.1", port });
  using served = await dialTls(echo.endpoint, files.authority.cert);
  await served.write(new TextEncoder().encode("hello"));
  assertNotEquals(await served.read(new Uint8Array(10)), null);
  const before = performance.now();
  echo.server.kill("SIGTERM");
  assertEquals(await silent.read(new Uint8Array(1)), null);
  await served.closeWrite();
  const { code } = await echo.server.outcome();
  assertEquals(code, 0);
  assert(performance.now() - before < 30_000);
});
