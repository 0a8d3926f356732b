import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { TimeoutError, TlsError, type TlsReason } from "../../src/base/errors.ts";
import { connect, listen } from "../../src/factory.ts";
import type { ConnectOptions, ListenOptions } from "../../src/net/options.ts";
import type { Connection } from "../../src/net/connection.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import { daysLeft } from "../../src/net/tls_certificate.ts";
import { TlsServerContext, type TlsServerOptions } from "../../src/net/layers/tls_server.ts";
import { type Pair, selfSigned, TestAuthority } from "../support/certificates.ts";
import { tlsPeer } from "../support/tls_peer.ts";
import { wrapAccepted } from "../support/wrap_accepted.ts";

const authority = await TestAuthority.create();
const good = await authority.issue();
const stranger = await TestAuthority.create("Another CA");

/** Serves an echo over TLS; errors of its connections end up in `failures`. */
async function echoServer(tls: TlsServerOptions | TlsServerContext, options: ListenOptions = {}) {
  const listener = await listen("tls://127.0.0.1:0", { ...options, tls });
  const failures: unknown[] = [];
  const sessions: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      sessions.push(echo(connection).catch((error) => void failures.push(error)));
    }
  })();
  return {
    endpoint: formatEndpoint(listener.endpoint),
    port: listener.endpoint.port,
    failures,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(sessions);
    },
  };
}

async function echo(connection: Connection): Promise<void> {
  await using served = connection;
  await served.handshake();
  for (let bytes = await served.read(); bytes; bytes = await served.read()) await served.write(bytes);
  await served.closeWrite();
}

async function exchange(connection: Connection, data: Uint8Array): Promise<Uint8Array> {
  const reading = (async () => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    for (let bytes = await connection.read(); bytes; bytes = await connection.read()) chunks.push(bytes.slice());
    return await new Blob(chunks).bytes();
  })();
  await connection.write(data);
  await connection.closeWrite();
  return await reading;
}

async function failure(endpoint: string, options: ConnectOptions): Promise<TlsError> {
  return await assertRejects(() => connect(endpoint, options), TlsError);
}

Deno.test("connect() over TLS transfers a megabyte and a half-close each way", async () => {
  await using server = await echoServer(good);
  await using client = await connect(server.endpoint, { tls: { ca: authority.cert } });
  const data = crypto.getRandomValues(new Uint8Array(65_536));
  const million = new Uint8Array(16 * data.length).map((_, index) => data[index % data.length] ?? 0);
  assertEquals(await exchange(client, million), million);
  assertEquals(server.failures, []);
});

Deno.test("Connection.tls has the version, protocol, names, chain and days left", async () => {
  await using server = await echoServer({ ...good, alpn: ["parley/1", "other"] });
  await using client = await connect(server.endpoint, { tls: { ca: authority.cert, alpn: ["none", "parley/1"] } });
  const { tls } = client;
  assert(tls);
  const { version, alpn, chain: [leaf], distrust } = tls;
  assertEquals({ version, alpn, distrust }, { version: "TLSv1.3", alpn: "parley/1", distrust: undefined });
  assert(leaf);
  assertEquals(leaf.subject, "CN=localhost");
  assertEquals(leaf.issuer, "CN=Parley test CA");
  assertEquals(leaf.names, ["localhost", "127.0.0.1"]);
  assertEquals(daysLeft(leaf), 29);
});

const refusals: readonly {
  name: string;
  reason: TlsReason;
  says: string;
  pair: () => Promise<Pair>;
  options: ConnectOptions["tls"];
}[] = [
  {
    name: "an unknown authority",
    reason: "untrusted",
    says: "the issuer of the certificate, CN=Another CA, is not trusted",
    pair: () => stranger.issue(),
    options: { ca: authority.cert },
  },
  {
    name: "the system's authorities only",
    reason: "untrusted",
    says: "the issuer of the certificate, CN=Another CA, is not trusted",
    pair: () => stranger.issue(),
    options: {},
  },
  {
    name: "an authority that bears the trusted one's name",
    reason: "untrusted",
    says: "the certificate names the issuer CN=Parley test CA, but the trusted one of that name did not sign it",
    pair: async () => (await TestAuthority.create()).issue(),
    options: { ca: authority.cert },
  },
  {
    name: "a self-signed certificate",
    reason: "untrusted",
    says: "the certificate is self-signed by CN=localhost, which is not trusted",
    pair: () => selfSigned(),
    options: { ca: authority.cert },
  },
  {
    name: "an expired certificate",
    reason: "expired",
    says: "the certificate expired 3 days ago (20",
    pair: () => authority.issue({ fromDays: -10, toDays: -3 }),
    options: { ca: authority.cert },
  },
  {
    name: "a certificate of the future",
    reason: "expired",
    says: "the certificate is not valid before 20",
    pair: () => authority.issue({ fromDays: 2, toDays: 9 }),
    options: { ca: authority.cert },
  },
  {
    name: "another name",
    reason: "name",
    says: "the certificate is not for localhost, but for other.example, 10.0.0.1",
    pair: () => authority.issue({ hosts: ["other.example", "10.0.0.1"] }),
    options: { ca: authority.cert, serverName: "localhost" },
  },
  {
    name: "a name that is asked for",
    reason: "name",
    says: "the certificate is not for other.example, but for localhost, 127.0.0.1",
    pair: () => authority.issue(),
    options: { ca: authority.cert, serverName: "other.example" },
  },
];

for (const { name, reason, says, pair, options } of refusals) {
  Deno.test(`connect() over TLS fails with the reason "${reason}" at ${name}`, async () => {
    // The runtime's own: ours does not show a certificate that is not valid.
    await using server = tlsPeer(await pair());
    const error = await failure(server.endpoint, options === undefined ? {} : { tls: options });
    assertEquals(error.reason, reason);
    assertStringIncludes(error.message, `Cannot speak TLS with ${server.endpoint}: ${says}`);
  });
}

Deno.test("connect() over TLS sends no data and no certificate to a server whose certificate it examines again", async () => {
  const heard: number[] = [];
  const shown: unknown[] = [];
  const listener = await listen("tls://127.0.0.1:0", {
    tls: { ...await selfSigned(), clientCa: authority.cert },
  });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.handshake().catch((error) => shown.push(error.reason));
      while (await connection.read().catch(() => null) !== null);
      heard.push(connection.bytesRead);
      connection.close();
    }
  })();
  const { cert, key } = await authority.issue({ name: "client 7" });
  const error = await failure(formatEndpoint(listener.endpoint), { tls: { ca: authority.cert, cert, key } });
  assertStringIncludes(error.message, "the certificate is self-signed by CN=localhost");
  listener.close();
  await serving;
  assertEquals(heard, [0, 0]);
  assertEquals(shown[1], "client certificate");
});

/** Shows a self-signed certificate to the first client; what becomes of the second is the test's. */
async function showOnce(second: (conn: Deno.Conn) => Promise<void> | void) {
  const context = new TlsServerContext(await selfSigned());
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    // It closes what it fails on.
    await wrapAccepted(context, await listener.accept()).then(({ transport }) => transport.close(), () => {});
    const conn = await listener.accept();
    await second(conn);
    conn.close();
  })();
  return {
    endpoint: `tls://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      await serving;
      listener.close();
    },
  };
}

async function untilEnd(conn: Deno.Conn): Promise<void> {
  while (await conn.read(new Uint8Array(1024)) !== null);
}

Deno.test("connect() over TLS reports the known facts when the certificate cannot be examined again", async () => {
  await using server = await showOnce(() => {});
  const error = await failure(server.endpoint, { tls: { ca: authority.cert } });
  assertEquals(error.reason, "untrusted");
  assertStringIncludes(error.message, "the certificate is not trusted (");
});

Deno.test("connect() over TLS examines the certificate again within the handshake's deadline", async () => {
  await using server = await showOnce(untilEnd);
  const before = performance.now();
  const error = await failure(server.endpoint, { tls: { ca: authority.cert }, handshakeTimeout: "700ms" });
  assertEquals(error.reason, "untrusted");
  assert(performance.now() - before < 20_000);
});

Deno.test("connect() over TLS ends with the signal's reason while it examines the certificate again", async () => {
  const aborter = new AbortController();
  await using server = await showOnce(async (conn) => {
    aborter.abort(new Error("enough"));
    await untilEnd(conn);
  });
  const options = { tls: { ca: authority.cert }, signal: aborter.signal, handshakeTimeout: "1h" };
  await assertRejects(() => connect(server.endpoint, options), Error, "enough");
});

Deno.test("connect() over TLS accepts a certificate for the given name", async () => {
  await using server = await echoServer(await authority.issue({ hosts: ["db.internal"] }));
  await using client = await connect(server.endpoint, { tls: { ca: authority.cert, serverName: "db.internal" } });
  assertEquals(await exchange(client, utf8("hello")), utf8("hello"));
});

Deno.test("connect() over TLS fails without a common application protocol", async () => {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...good, alpnProtocols: ["a"] });
  const served = listener.accept().then(async (conn) => {
    using accepted = conn;
    await assertRejects(() => accepted.handshake());
  });
  const endpoint = `tls://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  assertEquals((await failure(endpoint, { tls: { ca: authority.cert, alpn: ["b"] } })).reason, "alpn");
  await served;
});

Deno.test("an accepted connection is closed when its client offers none of the application protocols", async () => {
  await using server = await echoServer({ ...good, alpn: ["a"] });
  await failure(server.endpoint, { tls: { ca: authority.cert, alpn: ["b"] } });
  const [error] = server.failures;
  assertInstanceOf(error, TlsError);
  assertEquals(error.reason, "alpn");
});

Deno.test("connect() over TLS reports a peer that does not speak TLS", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = listener.accept().then(async (conn) => {
    await conn.write(utf8("220 plain text here\r\n"));
    await conn.read(new Uint8Array(1024));
    conn.close();
  });
  const error = await failure(`tls://127.0.0.1:${listener.addr.port}`, {});
  assertEquals(error.reason, "protocol");
  assertStringIncludes(error.message, "does not speak TLS");
  await served;
});

Deno.test("connect() over TLS fails with the reason closed when the peer disconnects", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = listener.accept().then(async (conn) => {
    await conn.read(new Uint8Array(16_384));
    conn.close();
  });
  assertEquals((await failure(`tls://127.0.0.1:${listener.addr.port}`, {})).reason, "closed");
  await served;
});

Deno.test("connect() over TLS times out with a silent peer at the handshake deadline", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const error = await assertRejects(
    () => connect(`tls://127.0.0.1:${listener.addr.port}`, { handshakeTimeout: "50ms" }),
    TimeoutError,
  );
  assertEquals(error.phase, "handshake");
  (await accepted).close();
});

Deno.test("connect() over TLS ends with the signal's reason during the handshake", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const aborter = new AbortController();
  const accepted = listener.accept().then((conn) => {
    aborter.abort(new Error("enough"));
    return conn;
  });
  const endpoint = `tls://127.0.0.1:${listener.addr.port}`;
  await assertRejects(() => connect(endpoint, { signal: aborter.signal }), Error, "enough");
  (await accepted).close();
});

Deno.test("Connection.tls holds no control characters of the peer's", async () => {
  await using server = await echoServer(await selfSigned({ name: "a\u001b[31mb", hosts: ["c\u001b[0m"] }));
  await using client = await connect(server.endpoint, { tls: { insecure: true } });
  const [leaf] = client.tls?.chain ?? [];
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f]/.test(`${leaf?.subject}${leaf?.issuer}${leaf?.names}${client.tls?.distrust?.text}`));
});

Deno.test("connect() with insecure accepts any certificate and reports its fault", async () => {
  await using server = await echoServer(await stranger.issue({ hosts: ["other.example"] }));
  await using client = await connect(server.endpoint, { tls: { insecure: true } });
  assertEquals(client.tls?.distrust, {
    reason: "untrusted",
    text: "the issuer of the certificate, CN=Another CA, is not trusted",
  });
  assertEquals(client.tls?.chain[0]?.names, ["other.example"]);
  assertEquals(await exchange(client, utf8("hello")), utf8("hello"));
});

Deno.test("a server that requires client certificates serves a client with a valid one", async () => {
  await using server = await echoServer({ ...good, clientCa: authority.cert });
  const { cert, key } = await authority.issue({ name: "client 7" });
  await using client = await connect(server.endpoint, { tls: { ca: authority.cert, cert, key } });
  assertEquals(await exchange(client, utf8("hello")), utf8("hello"));
  assertEquals(server.failures, []);
});

Deno.test("connect() over TLS rejects a client certificate that cannot be used, instead of presenting none", async () => {
  await using server = await echoServer({ ...good, clientCa: authority.cert });
  const { cert, key } = await authority.issue();
  const damaged = cert.replace(/\n[A-Za-z0-9+/]{8}/, "\nAAAAAAAA");
  const use = (pair: Pair) => connect(server.endpoint, { tls: { ca: authority.cert, ...pair } });
  await assertRejects(() => use({ cert, key: good.key }), RangeError, "they do not belong together");
  await assertRejects(() => use({ cert: key, key }), SyntaxError, "the client certificate: it contains no PEM");
  await assertRejects(() => use({ cert: damaged, key }), SyntaxError, "the client certificate: a certificate in it is");
  await assertRejects(() => use({ cert, key: cert }), SyntaxError, "its private key: it contains no PEM");
  await assertRejects(() => use({ cert, key: key.replace(/\n[A-Za-z0-9+/]{8}/, "\nAAAA") }), SyntaxError, "damaged");
  assertEquals(server.failures, []);
});

for (
  const { name, pair, reason } of [
    { name: "none", pair: () => Promise.resolve({}), reason: "client certificate" },
    { name: "one of another authority", pair: () => stranger.issue(), reason: "untrusted" },
    { name: "a self-signed one", pair: () => selfSigned(), reason: "untrusted" },
  ] as const
) {
  Deno.test(`a server that requires client certificates rejects a client with ${name}`, async () => {
    await using server = await echoServer({ ...good, clientCa: authority.cert });
    // With TLS 1.3 the client is done before the server has seen its certificate: it learns at its first read.
    await assertRejects(async () => {
      await using client = await connect(server.endpoint, { tls: { ca: authority.cert, ...await pair() } });
      if (await client.read() === null) throw new Error("closed");
    });
    const [error] = server.failures;
    assertInstanceOf(error, TlsError);
    assertEquals(error.reason, reason);
  });
}

Deno.test("an accepted connection is closed when its client sends plain text", async () => {
  await using server = await echoServer(good);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(utf8("GET / HTTP/1.1\r\nhost: here\r\n\r\n"));
  while (await conn.read(new Uint8Array(1024)) !== null) {
    // An alert, perhaps.
  }
  const [error] = server.failures;
  assertInstanceOf(error, TlsError);
  assertEquals(error.reason, "protocol");
});

Deno.test("an accepted connection is closed when its client is silent past the handshake deadline", async () => {
  await using server = await echoServer(good, { handshakeTimeout: "50ms" });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  assertEquals(await conn.read(new Uint8Array(1)), null);
  const [error] = server.failures;
  assertInstanceOf(error, TimeoutError);
  assertEquals(error.phase, "handshake");
});

Deno.test("TlsServerContext.replace() presents the new certificate to new clients and keeps open connections", async () => {
  const context = new TlsServerContext(good);
  await using server = await echoServer(context);
  const tls = { ca: authority.cert };
  await using before = await connect(server.endpoint, { tls });
  context.replace(await authority.issue({ name: "second" }));
  await using after = await connect(server.endpoint, { tls });
  assertEquals(before.tls?.chain[0]?.subject, "CN=localhost");
  assertEquals(after.tls?.chain[0]?.subject, "CN=second");
  assertEquals(await exchange(before, utf8("one")), utf8("one"));
  assertEquals(await exchange(after, utf8("two")), utf8("two"));
});

Deno.test("TlsServerContext accepts one file with the certificate and the key, and parameters before the key", () => {
  const { cert, key } = good;
  const curve = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  for (const file of [`${cert}\n${key}`, `${key}\n${cert}`]) new TlsServerContext({ cert: file, key: file });
  new TlsServerContext({ cert, key: `${curve}${key}` });
  const cut = key.slice(0, key.length / 2);
  assertThrows(() => new TlsServerContext({ cert, key: cut }), SyntaxError, "the private key in it is damaged");
});

Deno.test("TlsServerContext() reports the fault of a certificate", async () => {
  const other = await authority.issue();
  const expired = await authority.issue({ fromDays: -30, toDays: -2 });
  const early = await authority.issue({ fromDays: 2 });
  const error = assertThrows(() => new TlsServerContext(expired), TlsError, "it expired on ");
  assertEquals(error.reason, "expired");
  assertThrows(() => new TlsServerContext(early), TlsError, "it is not valid before ");
  assertThrows(() => new TlsServerContext({ cert: good.cert, key: other.key }), RangeError, "do not belong together");
  assertThrows(() => new TlsServerContext({ ...good, cert: "junk" }), SyntaxError, "no PEM certificate");
  assertThrows(() => new TlsServerContext({ ...good, key: "junk" }), SyntaxError, "no PEM private key");
  const damaged = good.cert.replace(/\n[A-Za-z0-9+/]{8}/, "\nAAAAAAAA");
  assertThrows(() => new TlsServerContext({ ...good, cert: damaged }), SyntaxError, "damaged");
});

Deno.test("connect() over TLS rejects empty names, certificates and protocols, which would drop a check (fault 16)", async () => {
  await using server = await echoServer(good);
  for (const tls of [{ serverName: "" }, { cert: "", key: "" }, { alpn: ["h2", ""] }]) {
    await assertRejects(() => connect(server.endpoint, { tls: { ca: authority.cert, ...tls } }), RangeError, "empty");
  }
  await assertRejects(() => connect(server.endpoint, { tls: { ca: "" } }), SyntaxError, "no PEM certificate");
});

Deno.test("Connection.tls holds the whole chain, and an expired second intermediate is found (fault 15)", async () => {
  const first = await authority.intermediate("First");
  const second = await first.intermediate("Second");
  const pair = await second.issue();
  await using server = await echoServer({ ...pair, cert: pair.cert + second.cert + first.cert });
  await using client = await connect(server.endpoint, { tls: { ca: authority.cert } });
  const subjects = client.tls?.chain.map(({ subject }) => subject) ?? [];
  assertEquals(subjects.slice(0, 3), ["CN=localhost", "CN=Second", "CN=First"]);
  const expired = await authority.intermediate("First", { fromDays: -9, toDays: -2.1 });
  const below = await expired.intermediate("Second");
  const bad = await below.issue();
  await using lapsed = await echoServer({ ...bad, cert: bad.cert + below.cert + expired.cert });
  const error = await failure(lapsed.endpoint, { tls: { ca: authority.cert } });
  assertEquals(error.reason, "expired");
  assertStringIncludes(error.message, "the certificate of its issuer CN=First expired 2 days ago");
});

Deno.test("connect() over TLS reports why a certificate signed by the trusted CA is rejected (fault 15)", async () => {
  const cases = [
    [{ usages: ["client"] }, "its extended key usage does not include server authentication"],
    [{ isAuthority: true }, "it is a CA certificate, which a server must not use as its own"],
  ] as const;
  for (const [options, why] of cases) {
    await using server = await echoServer(await authority.issue(options));
    const { reason, message } = await failure(server.endpoint, { tls: { ca: authority.cert } });
    assertEquals(reason, "untrusted");
    assertStringIncludes(message, `signed by the trusted CN=Parley test CA, but rejected: ${why}`);
  }
});

Deno.test("connect() over TLS names what a certificate is for, also where that is no address, or nothing (fault 15)", async () => {
  const cases = [[["localhost"], "not for 127.0.0.1, but for localhost"], [
    [],
    "not for 127.0.0.1, and has no name",
  ]] as const;
  for (const [hosts, says] of cases) {
    await using server = await echoServer(await authority.issue({ hosts }));
    const { reason, message } = await failure(server.endpoint, { tls: { ca: authority.cert } });
    assertEquals([reason, message.endsWith(`the certificate is ${says}`)], ["name", true], message);
  }
});
