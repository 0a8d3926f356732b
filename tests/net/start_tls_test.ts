import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, LimitError, TimeoutError, TlsError } from "../../src/base/errors.ts";
import { connect } from "../../src/factory.ts";
import type { StartTlsProtocol } from "../../src/net/layers/start_tls.ts";
import { TlsServerContext } from "../../src/net/layers/tls_server.ts";
import { TestAuthority } from "../support/certificates.ts";
import { type Script, START_TLS_SCRIPTS, startTlsPeer } from "../support/start_tls_peer.ts";

const authority = await TestAuthority.create();
const context = new TlsServerContext(await authority.issue());

function dial(endpoint: string, startTls: StartTlsProtocol) {
  return connect(endpoint, { tls: { ca: authority.cert, startTls }, handshakeTimeout: "20s" });
}

for (const [protocol, script] of Object.entries(START_TLS_SCRIPTS) as [StartTlsProtocol, Script][]) {
  Deno.test(`connect() holds the ${protocol} dialogue and then speaks TLS`, async () => {
    await using server = startTlsPeer(script, context);
    await using client = await dial(server.endpoint, protocol);
    assertEquals(await client.read(), utf8("secret"));
    await client.closeWrite();
    assertEquals(client.tls?.chain[0]?.subject, "CN=localhost");
  });
}

const REFUSALS: readonly { protocol: StartTlsProtocol; script: Script; says: string }[] = [
  {
    protocol: "smtp",
    script: [
      { says: "220 ready\r\n" },
      { hears: "EHLO parley.invalid\r\n" },
      { says: "250 hello\r\n" },
      { hears: "STARTTLS\r\n" },
      { says: "454 TLS not available\r\n" },
    ],
    says: 'the smtp server did not agree to TLS: it answered "454 TLS not available"',
  },
  { protocol: "smtp", script: [{ says: "554 go away\r\n" }], says: 'answered "554 go away"' },
  {
    protocol: "imap",
    script: [{ says: "* OK ready\r\n" }, { hears: "p1 STARTTLS\r\n" }, { says: "p1 BAD what\r\n" }],
    says: 'answered "p1 BAD what"',
  },
  {
    protocol: "pop3",
    script: [{ says: "+OK ready\r\n" }, { hears: "STLS\r\n" }, { says: "-ERR no\r\n" }],
    says: 'answered "-ERR no"',
  },
  {
    protocol: "postgres",
    script: [{ hears: Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47) }, { says: "N" }],
    says: 'answered "N"',
  },
];

for (const { protocol, script, says } of REFUSALS) {
  Deno.test(`connect() says so when the ${protocol} server will not have TLS: ${says}`, async () => {
    await using server = startTlsPeer(script, "close");
    const error = await assertRejects(() => dial(server.endpoint, protocol), TlsError);
    assertStringIncludes(error.message, says);
  });
}

Deno.test("connect() refuses what a STARTTLS server says in the clear after its consent", async () => {
  const script = [...START_TLS_SCRIPTS.pop3.slice(0, 2), { says: "+OK begin TLS\r\n+OK 1 message injected\r\n" }];
  await using server = startTlsPeer(script, "wait");
  await assertRejects(() => dial(server.endpoint, "pop3"), TlsError, "sent plaintext after it agreed to TLS");
});

Deno.test("connect() tells an end inside the STARTTLS dialogue from a refusal", async () => {
  await using server = startTlsPeer([{ says: "220-mail" }], "close");
  await assertRejects(() => dial(server.endpoint, "smtp"), ClosedEarlyError, "during the smtp dialogue");
});

Deno.test("connect() bounds a STARTTLS reply without an end", async () => {
  await using server = startTlsPeer([{ says: "250-x\r\n".repeat(4_000) }], "wait");
  await assertRejects(() => dial(server.endpoint, "smtp"), LimitError, "longer than 16384 bytes");
});

Deno.test("connect() bounds a STARTTLS dialogue in time", async () => {
  await using server = startTlsPeer([], "wait");
  const options = { tls: { startTls: "imap" as const }, handshakeTimeout: "50ms" };
  const error = await assertRejects(() => connect(server.endpoint, options), TimeoutError);
  assertEquals(error.phase, "handshake");
});
