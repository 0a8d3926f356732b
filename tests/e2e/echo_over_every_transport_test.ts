/** One suite of what a service and its clients see, over each transport that carries messages. */

import { assert, assertEquals } from "@std/assert";
import { dial } from "../../src/dial.ts";
import type { Session } from "../../src/session/session.ts";
import { TestAuthority } from "../support/certificates.ts";
import { type StartOptions, startServer } from "../support/in_process.ts";

/** On streams a length before each message does what WebSocket does by itself. */
const FRAMING = "length:4be";

interface Transport {
  readonly name: string;
  endpoint(folder: string): string;
  readonly permissions: readonly string[];
  /** Whether there is TLS below. */
  readonly isSecure?: boolean;
}

const authority = await TestAuthority.create();
const pair = await authority.issue();

const TRANSPORTS: readonly Transport[] = [
  { name: "tcp", endpoint: () => "tcp://127.0.0.1:0", permissions: ["-N"] },
  { name: "unix", endpoint: (folder) => `unix:${folder}/echo.sock`, permissions: ["-N", "-R", "-W"] },
  { name: "ws", endpoint: () => "ws://127.0.0.1:0/echo", permissions: ["-N"] },
  { name: "tls", endpoint: () => "tls://127.0.0.1:0", permissions: ["-N", "-R"], isSecure: true },
  { name: "wss", endpoint: () => "wss://127.0.0.1:0/echo", permissions: ["-N", "-R"], isSecure: true },
];

async function startEcho(transport: Transport, flags: readonly string[] = [], options?: StartOptions) {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/cert.pem`, pair.cert);
  await Deno.writeTextFile(`${folder}/key.pem`, pair.key);
  const tlsFlags = ["--tls-cert", `${folder}/cert.pem`, "--tls-key", `${folder}/key.pem`];
  const started = await startServer(
    ["echo", transport.endpoint(folder), "--framing", FRAMING, ...transport.isSecure ? tlsFlags : [], ...flags],
    options,
  );
  return {
    ...started,
    dial: () => dial(started.endpoint, { framing: FRAMING, tls: { ca: authority.cert } }),
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The next messages, as text. */
async function take(session: Session, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const batch = await session.receive({ timeout: 20_000 });
    if (batch === null) break;
    for (const { data } of batch) texts.push(new TextDecoder().decode(data));
  }
  return texts;
}

for (const transport of TRANSPORTS) {
  Deno.test(`echo over ${transport.name} sends each message back as one message, in order`, async () => {
    await using echo = await startEcho(transport);
    const session = await echo.dial();
    const texts = Array.from({ length: 500 }, (_, index) => `message ${index} ${"ü".repeat(index % 50)}`);
    for (const text of texts) session.send(text);
    assertEquals(await take(session, texts.length), texts);
    await session.finish();
  });

  Deno.test(`echo over ${transport.name} sends back a message of one byte, and one of 60,000`, async () => {
    await using echo = await startEcho(transport);
    const session = await echo.dial();
    const large = "x".repeat(60_000);
    await session.write(Uint8Array.of(0x61));
    await session.write(new TextEncoder().encode(large));
    assertEquals(await take(session, 2), ["a", large]);
    await session.finish();
  });

  Deno.test(`echo over ${transport.name} serves several clients, each with its own number`, async () => {
    await using echo = await startEcho(transport, ["--prefix", "#{id} ", "--upper"]);
    const sessions = [await echo.dial(), await echo.dial(), await echo.dial()];
    for (const session of sessions) session.send("hello");
    const answers = await Promise.all(sessions.map((session) => take(session, 1)));
    assertEquals(answers.flat().toSorted(), ["#1 HELLO", "#2 HELLO", "#3 HELLO"]);
    for (const session of sessions) await session.finish();
  });

  Deno.test(`echo over ${transport.name} ends in order at SIGTERM: clients see the end, exit 0`, async () => {
    await using echo = await startEcho(transport, [], { permissions: transport.permissions });
    const session = await echo.dial();
    session.send("before");
    assertEquals(await take(session, 1), ["before"]);
    echo.server.kill("SIGTERM");
    assertEquals(await session.receive({ timeout: 20_000 }), null);
    if (transport.name === "ws") assertEquals(session.closeFrame?.code, 1001);
    await session.finish();
    const { code, stderr } = await echo.server.outcome();
    assertEquals(code, 0, stderr);
    assert(!/error/.test(stderr), stderr);
  });
}

Deno.test("echo over ws keeps text as text, bytes as bytes, and empty messages", async () => {
  await using started = await startServer(["echo", "ws://127.0.0.1:0"]);
  const session = await dial(started.endpoint, { framing: "raw" });
  session.send("text");
  session.send(Uint8Array.of(0xff), false);
  session.send("");
  const seen: boolean[] = [];
  while (seen.length < 3) {
    for (const { isText } of await session.receive({ timeout: 20_000 }) ?? []) seen.push(isText);
  }
  assertEquals(seen, [true, false, true]);
  await session.finish();
});
