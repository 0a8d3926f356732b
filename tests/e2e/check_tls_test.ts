import { assertEquals, assertStringIncludes } from "@std/assert";
import { START_TLS_PROTOCOLS } from "../../src/net/layers/start_tls.ts";
import { TlsServerContext } from "../../src/net/layers/tls_server.ts";
import { CertificateFiles } from "../support/certificate_files.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { closedPort } from "../support/ports.ts";
import { startTool } from "../support/running_tool.ts";
import { START_TLS_SCRIPTS, startTlsPeer } from "../support/start_tls_peer.ts";
import { toolTest } from "../support/tools.ts";

async function check(args: readonly string[]) {
  const { code, stdout, stderr } = await runProgram("client", ["check", "--json", ...args]);
  return { code, stderr, found: stdout === "" ? undefined : JSON.parse(stdout) };
}

for (const protocol of START_TLS_PROTOCOLS) {
  Deno.test(`check --starttls ${protocol} checks the certificate and the data that follows`, async () => {
    await using files = await CertificateFiles.create();
    const context = new TlsServerContext({ ...await files.authority.issue({ toDays: 20 }), alpn: [protocol] });
    const dial = (endpoint: string, flags: readonly string[]) =>
      check([
        endpoint.replace("tls:", "tcp:"),
        "--starttls",
        protocol,
        "--tls-ca",
        files.path("ca.pem"),
        ...flags,
      ]);
    await using server = startTlsPeer(START_TLS_SCRIPTS[protocol], context);
    const good = await dial(server.endpoint, ["--banner", "^sec.et$", "--min-days", "19", "--alpn", protocol]);
    assertEquals(
      [good.code, good.found.banner, good.found.days, good.found.alpn],
      [0, "secret", 19, protocol],
      good.stderr,
    );
    await using another = startTlsPeer(START_TLS_SCRIPTS[protocol], context);
    const short = await dial(another.endpoint, ["--min-days", "21"]);
    assertEquals(short.code, 1);
    assertStringIncludes(short.found.error.message, "expires in 19 days; required: 21");
    await using refusing = startTlsPeer(START_TLS_SCRIPTS[protocol].slice(0, -1), "close");
    assertEquals((await dial(refusing.endpoint, [])).code, 7);
  });
}

Deno.test("check --starttls exits 6 when the server will not have TLS, and 2 for an endpoint that has no such dialogue", async () => {
  await using server = startTlsPeer([{ says: "554 go away\r\n" }], "close");
  const refused = await check([server.endpoint, "--starttls", "smtp"]);
  assertEquals(refused.code, 6);
  assertStringIncludes(refused.found.error.message, 'the smtp server did not agree to TLS: it answered "554 go away"');
  assertEquals((await check(["ws://127.0.0.1:1", "--starttls", "smtp"])).code, 2);
});

Deno.test("check wss:// sees the certificate, the subprotocol and the first words", async () => {
  await using files = await CertificateFiles.create();
  await using chat = await startServer(["chat", "wss://127.0.0.1:0", ...files.flags()]);
  const trust = [chat.endpoint, "--tls-ca", files.path("ca.pem")];
  const good = await check([...trust, "--subprotocol", "parley.v1", "--min-days", "5", "--min-tls", "1.3"]);
  assertEquals(good.code, 0, good.stderr);
  const { tls, status, subprotocol, subject, days } = good.found;
  assertEquals({ tls, status, subprotocol, subject, days }, {
    tls: "TLSv1.3",
    status: 101,
    subprotocol: "parley.v1",
    subject: "CN=localhost",
    days: 29,
  });
  assertEquals((await check([...trust, "--banner", "guest|welcome"])).code, 0);
  assertEquals((await check([...trust, "--banner", "^220 ", "--timeout", "3s"])).code, 1);
  assertEquals((await check([...trust, "--min-days", "31"])).code, 1);
  assertEquals((await check([...trust, "--subprotocol", "unheard.of"])).code, 1);
  assertEquals((await check([chat.endpoint])).code, 6);
});

toolTest("openssl", "check --min-tls exits 1, and --alpn 6, when the server does not agree", async () => {
  await using files = await CertificateFiles.create();
  const port = closedPort();
  await using _server = startTool("openssl", [
    ...["s_server", "-accept", `127.0.0.1:${port}`, "-www", "-tls1_2", "-alpn", "h2"],
    ...["-cert", files.path("cert.pem"), "-key", files.path("key.pem")],
  ]);
  const trust = [`tls://127.0.0.1:${port}`, "--tls-ca", files.path("ca.pem")];
  const good = await check([...trust, "--wait", "20s", "--min-tls", "1.2", "--alpn", "h2"]);
  assertEquals([good.code, good.found.tls, good.found.alpn], [0, "TLSv1.2", "h2"], good.stderr);
  const old = await check([...trust, "--min-tls", "1.3"]);
  assertEquals(old.code, 1);
  assertStringIncludes(old.found.error.message, "speaks TLSv1.2; required: TLSv1.3");
  const other = await check([...trust, "--alpn", "unheard-of"]);
  assertEquals(other.code, 6);
});

Deno.test("check --tls-insecure warns once, and not at every attempt", async () => {
  const args = ["check", `tls://127.0.0.1:${closedPort()}`, "--tls-insecure", "--wait", "200ms", "--interval", "10ms"];
  const { stderr } = await runProgram("client", args);
  assertEquals(stderr.match(/NOT checked/g)?.length, 1);
});
