import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Pair, selfSigned, TestAuthority } from "../support/certificates.ts";
import { closedPort } from "../support/ports.ts";
import { runProgram, startServer } from "../support/in_process.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { tlsPeer } from "../support/tls_peer.ts";

const authority = await TestAuthority.create();

/** The authority's certificate in a file. */
async function caFile(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(path, authority.cert);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

async function check(args: readonly string[]) {
  const { code, stdout } = await runProgram("client", ["check", "--json", ...args]);
  return { code, found: JSON.parse(stdout) };
}

Deno.test("check reports TLS version and protocol, and names and days of the certificate", async () => {
  await using ca = await caFile();
  await using peer = tlsPeer(await authority.issue({ toDays: 20 }), ["parley/1"]);
  const trust = [peer.endpoint, "--tls-ca", ca.path];
  const good = await check([...trust, "--alpn", "parley/1", "--min-days", "19", "--min-tls", "1.3"]);
  assertEquals(good.code, 0);
  const { tls, alpn, days, names, subject, issuer } = good.found;
  assertEquals({ tls, alpn, days, names, subject, issuer }, {
    tls: "TLSv1.3",
    alpn: "parley/1",
    days: 19,
    names: ["localhost", "127.0.0.1"],
    subject: "CN=localhost",
    issuer: "CN=Parley test CA",
  });
  const tooShort = await check([...trust, "--min-days", "21"]);
  assertEquals(tooShort.code, 1);
  assertStringIncludes(tooShort.found.error.message, "expires in 19 days; required: 21");
  const untrusted = await check([peer.endpoint]);
  assertEquals([untrusted.code, untrusted.found.error.name], [6, "TlsError"]);
  assertEquals((await check([...trust, "--tls-name", "example.org"])).code, 6);
});

Deno.test("check exits 6 and reports the fault of a certificate, over tls and wss", async () => {
  await using ca = await caFile();
  const cases: readonly [pair: Pair, says: RegExp][] = [
    [await authority.issue({ fromDays: -10, toDays: -3 }), /: the certificate expired 3 days ago \(\d{4}-\d\d-\d\d\)$/],
    [await authority.issue({ fromDays: 2 }), /: the certificate is not valid before \d{4}-\d\d-\d\d, in 1 day$/],
    [await selfSigned(), /: the certificate is self-signed by CN=localhost, which is not trusted$/],
    [await (await TestAuthority.create("Other")).issue(), /: the issuer of the certificate, CN=Other, is not trusted$/],
    [await authority.issue({ hosts: ["10.0.0.1"] }), /: the certificate is not for 127\.0\.0\.1, but for 10\.0\.0\.1$/],
  ];
  await Promise.all(cases.map(async ([pair, says]) => {
    await using peer = tlsPeer(pair);
    for (const endpoint of [peer.endpoint, peer.endpoint.replace("tls:", "wss:")]) {
      const { code, found } = await check([endpoint, "--tls-ca", ca.path]);
      assertEquals([code, found.error.name], [6, "TlsError"]);
      assertMatch(found.error.message, says);
    }
  }));
});

Deno.test("check exits 6 when the server does not speak TLS", async () => {
  await using ca = await caFile();
  await using plain = scriptedPeer(async (conn) => void await conn.write(new TextEncoder().encode("220 hello\r\n")));
  const { code, found } = await check([plain.endpoint.replace("tcp:", "tls:"), "--tls-ca", ca.path]);
  assertEquals(code, 6);
  assertStringIncludes(found.error.message, "the peer does not speak TLS");
});

Deno.test("check exits 5 when the handshake is not answered in time", async () => {
  await using silent = scriptedPeer(() => {});
  assertEquals((await check([silent.endpoint.replace("tcp:", "tls:"), "--timeout", "300ms"])).code, 5);
  assertEquals((await check([silent.endpoint.replace("tcp:", "ws:"), "--timeout", "300ms"])).code, 5);
});

Deno.test("check completes the WebSocket handshake and reports the subprotocol", async () => {
  await using chat = await startServer(["chat", "ws://127.0.0.1:0"]);
  const { code, found } = await check([chat.endpoint, "--subprotocol", "parley.v1"]);
  assertEquals([code, found.status, found.subprotocol], [0, 101, "parley.v1"]);
  assertEquals((await check([chat.endpoint, "--subprotocol", "unheard.of"])).code, 1);
});

Deno.test("check --status expects another answer than the upgrade", async () => {
  await using http = await startServer(["reply", ":0", "--http", "--text", "hello"]);
  const endpoint = http.endpoint.replace("tcp:", "ws:");
  const refused = await check([endpoint]);
  assertEquals([refused.code, refused.found.error.name], [1, "UpgradeError"]);
  const expected = await check([endpoint, "--status", "200"]);
  assertEquals([expected.code, expected.found.status], [0, 200]);
});

Deno.test("check wants an answer by UDP: closed, silent and answering are three results", async () => {
  const port = closedPort();
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port });
  const answering = (async () => {
    for await (const [data, from] of socket) {
      if (new TextDecoder().decode(data) !== "ping") continue;
      await socket.send(new TextEncoder().encode("pong"), from);
    }
  })();
  const endpoint = `udp://127.0.0.1:${port}`;
  const good = await check([endpoint, "--send", "ping", "--banner", "^pong$"]);
  assertEquals([good.code, good.found.reply, good.found.bytes], [0, "pong", 4]);
  assertEquals((await check([endpoint, "--send", "ping", "--banner", "other"])).code, 1);
  assertEquals((await check([endpoint, "--timeout", "400ms"])).code, 5);
  socket.close();
  await answering;
  assertEquals((await check([endpoint])).code, 4);
});

Deno.test("check --send asks before it compares the answer", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, found } = await check([echo.endpoint, "--send", "PING\\n", "--banner", "^PING$"]);
  assertEquals([code, found.banner], [0, "PING"]);
});

Deno.test("check distinguishes a refused TLS or WebSocket connection from a running server", async () => {
  for (const scheme of ["tls", "ws", "wss"]) {
    assertEquals((await check([`${scheme}://127.0.0.1:${closedPort()}`])).code, 4, scheme);
  }
});
