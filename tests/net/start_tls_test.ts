import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, TimeoutError, TlsError } from "../../src/base/errors.ts";
import { connect } from "../../src/factory.ts";
import { Logger } from "../../src/log/logger.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";
import { startTlsLayer, type StartTlsProtocol } from "../../src/net/layers/start_tls.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { TlsServerContext } from "../../src/net/layers/tls_server.ts";
import { TestAuthority } from "../support/certificates.ts";
import { FakeTransport } from "../support/fake_transport.ts";
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
    protocol: "smtp",
    script: [{ says: "SSH-2.0-OpenSSH\r\n" }],
    says: 'answered "SSH-2.0-OpenSSH"',
  },
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
  Deno.test(`connect() reports that the ${protocol} server rejects TLS: ${says}`, async () => {
    await using server = startTlsPeer(script, "close");
    const error = await assertRejects(() => dial(server.endpoint, protocol), TlsError);
    assertStringIncludes(error.message, says);
  });
}

Deno.test("connect() rejects clear text that a STARTTLS server sends after its consent", async () => {
  const script = [...START_TLS_SCRIPTS.pop3.slice(0, 2), { says: "+OK begin TLS\r\n+OK 1 message injected\r\n" }];
  await using server = startTlsPeer(script, "wait");
  await assertRejects(() => dial(server.endpoint, "pop3"), TlsError, "sent plaintext after it agreed to TLS");
});

Deno.test("connect() distinguishes a close during the STARTTLS dialogue from a rejection", async () => {
  await using server = startTlsPeer([{ says: "220-mail" }], "close");
  await assertRejects(() => dial(server.endpoint, "smtp"), ClosedEarlyError, "during the smtp dialogue");
});

Deno.test("connect() bounds a STARTTLS dialogue in time", async () => {
  await using server = startTlsPeer([], "wait");
  const options = { tls: { startTls: "imap" as const }, handshakeTimeout: "50ms" };
  const error = await assertRejects(() => connect(server.endpoint, options), TimeoutError);
  assertEquals(error.phase, "handshake");
});

/** The outcome of a dialogue over a fake transport. */
async function dialogueOf(protocol: StartTlsProtocol, ...says: string[]): Promise<string> {
  const transport = new FakeTransport();
  transport.say(...says, null);
  const end = parseEndpoint("tcp://a:1");
  const options = { timeoutMs: 1_000, signal: new AbortController().signal };
  return await startTlsLayer(protocol, "a:1").wrap(transport, { local: end, remote: end, log: Logger.of("t") }, options)
    .then(() => "agreed", (error: Error) => error.message);
}

Deno.test("a STARTTLS reply has 16,384 bytes at most over all its lines (REPLY_BYTES), wherever it is cut", async () => {
  const greeting = (bytes: number) => {
    const lines = `220-${"x".repeat(1_018)}\r\n`.repeat(15);
    return `${lines}220 ${"x".repeat(bytes - lines.length - 6)}\r\n`;
  };
  const rest = ["250 hello\r\n", "220 go\r\n"];
  assertEquals(greeting(16_384).length, 16_384);
  for (const cut of [1_024, 16_384]) {
    const pieces = (text: string) => text.match(new RegExp(`[^]{1,${cut}}`, "g")) ?? [];
    assertEquals(await dialogueOf("smtp", ...pieces(greeting(16_384)), ...rest), "agreed");
    assertStringIncludes(await dialogueOf("smtp", ...pieces(greeting(16_385)), ...rest), "longer than 16384 bytes");
  }
  assertStringIncludes(await dialogueOf("smtp", "220 " + "x".repeat(16_381)), "longer than 16384 bytes");
});

Deno.test("a STARTTLS dialogue accepts untagged replies of IMAP, and rejects unexpected ones", async () => {
  assertEquals(await dialogueOf("imap", "* OK ready\r\n", "* CAPABILITY IMAP4rev1\r\np1 OK begin\r\n"), "agreed");
  assertEquals(await dialogueOf("imap", "* PREAUTH ready\r\n", "p1 ok begin\r\n"), "agreed");
  assertEquals(await dialogueOf("postgres", "S"), "agreed");
  for (
    const [protocol, ...says] of [
      ["imap", "* BYE overloaded\r\n"],
      ["smtp", "220 ready\r\n", "500 what\r\n"],
      ["pop3", "-ERR\r\n"],
      ["postgres", "E"],
    ] as const
  ) assertStringIncludes(await dialogueOf(protocol, ...says), "did not agree to TLS");
  assertStringIncludes(await dialogueOf("postgres", "SX"), "sent plaintext after it agreed");
  assertStringIncludes(await dialogueOf("postgres"), "closed the connection during the postgres dialogue");
});

/** Every line that the client sends, in order, and the preceding server data. */
const DIALOGUES: readonly (readonly [StartTlsProtocol, ...(readonly [says: string, sends: string])[]])[] = [
  ["smtp", ["220 mail\r\n", "EHLO parley.invalid\r\n"], ["250 mail\r\n", "STARTTLS\r\n"]],
  ["imap", ["* OK ready\r\n", "p1 STARTTLS\r\n"]],
  ["pop3", ["+OK ready\r\n", "STLS\r\n"]],
];

for (const [protocol, ...turns] of DIALOGUES) {
  Deno.test(`startTlsLayer() waits for each reply of ${protocol} before it sends the next line`, async () => {
    const transport = new FakeTransport();
    const wrapping = startTlsLayer(protocol, "tcp://mail:1").wrap(transport, {} as never, {} as never);
    wrapping.catch(() => {});
    for (const [says, sends] of turns) {
      assertEquals(transport.writes.splice(0), []);
      transport.say(says);
      await nextTurn();
      assertEquals(transport.writes.splice(0), [sends]);
    }
    transport.say(null);
    await assertRejects(() => wrapping);
  });
}
