/**
 * A server with three places, over each transport: every way in which a client
 * can be refused, fail or end gives its place back, and the place that the
 * gates count for its address too.
 */

import { assertEquals } from "@std/assert";
import { parseFraming } from "@parley/parley";
import { ParleyError } from "../../src/base/errors.ts";
import { dial } from "../../src/dial.ts";
import { listen } from "../../src/factory.ts";
import { PerAddressLimit } from "../../src/guard/per_address_limit.ts";
import { Logger } from "../../src/log/logger.ts";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import type { Gate } from "../../src/guard/gate.ts";
import { Server } from "../../src/server/server.ts";
import type { Session } from "../../src/session/session.ts";
import { WebSocketAcceptor } from "../../src/websocket/acceptor.ts";
import { TestAuthority } from "../support/certificates.ts";
import { FakeTime } from "../support/fake_time.ts";
import { assertGivesBack } from "../support/give_back.ts";
import { dialStream, readToEnd, writeAll } from "../support/peer.ts";

const SCHEMES = ["tcp", "tls", "unix", "ws", "wss"] as const;
type Scheme = typeof SCHEMES[number];
const PLACES = 3;

const authority = await TestAuthority.create();
const pair = await authority.issue();

async function serve(session: Session): Promise<void> {
  for (let batch = await session.receive(); batch; batch = await session.receive()) {
    for (const { data } of batch) {
      const text = new TextDecoder().decode(data);
      if (text === "throw") throw new ParleyError("as it was asked to");
      if (text === "reset") return void session.reset();
      if (text === "end") return;
      session.send(data, true);
    }
  }
}

async function start(scheme: Scheme, maxConnections = PLACES) {
  const folder = await Deno.makeTempDir();
  const isSecure = scheme === "tls" || scheme === "wss";
  const address = scheme === "unix" ? `unix:${folder}/socket` : `${scheme}://127.0.0.1:0`;
  const listener = await listen(address, isSecure ? { tls: pair } : {});
  const isDenying = { now: false };
  const limit = new PerAddressLimit({ maxPerAddress: PLACES, limitsLoopback: true });
  const gate: Gate = {
    enter: (host) => isDenying.now ? { reason: "denied" } : limit.enter(host),
    leave: (host) => limit.leave(host),
  };
  const server = new Server({
    service: { serve },
    listeners: [listener],
    codec: parseFraming("line"),
    log: Logger.of("test"),
    drainTimeoutMs: 10_000,
    maxConnections,
    gate,
    webSockets: await WebSocketAcceptor.create({
      routes: { "GET /page": { contentType: "text/plain", body: "a page" } },
      subprotocols: [],
      origins: [],
      maxMessageBytes: 1_000,
    }),
  });
  const stop = new AbortController();
  const running = server.run(stop.signal);
  return {
    endpoint: formatEndpoint(listener.endpoint),
    isDenying,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Sends a message as a client of the service; returns the reply, `null` at the end. */
async function say(endpoint: string, text: string): Promise<string | null> {
  await using session = await dial(endpoint, { framing: "line", tls: { ca: authority.cert } });
  session.send(text, true);
  const batch = await session.receive().catch(() => null);
  return batch === null ? null : new TextDecoder().decode(batch[0]?.data);
}

/** Sends bytes below TLS and HTTP, and waits for the end. */
async function sendRaw(endpoint: string, text: string): Promise<void> {
  using conn = await dialStream(endpoint.replace(/^\w+:\/\//, "tcp://"));
  await writeAll(conn, text).catch(() => {});
  await conn.closeWrite().catch(() => {});
  await readToEnd(conn).catch(() => {});
}

/** Ways to lose a place, and the transports that have them. */
const WAYS: Readonly<Record<string, { schemes: readonly Scheme[]; lose: (endpoint: string) => Promise<unknown> }>> = {
  "that leaves": { schemes: SCHEMES, lose: (endpoint) => say(endpoint, "hello") },
  "that the service ends": { schemes: SCHEMES, lose: (endpoint) => say(endpoint, "end") },
  "that the service resets": { schemes: SCHEMES, lose: (endpoint) => say(endpoint, "reset") },
  "whose service throws": { schemes: SCHEMES, lose: (endpoint) => say(endpoint, "throw") },
  "that sends more than a message may hold": {
    schemes: SCHEMES,
    lose: (endpoint) => say(endpoint, "x".repeat(20_000)),
  },
  "whose TLS handshake fails": {
    schemes: ["tls", "wss"],
    lose: (endpoint) => sendRaw(endpoint, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  },
  "that leaves within its TLS handshake": { schemes: ["tls", "wss"], lose: (endpoint) => sendRaw(endpoint, "\x16") },
  "that fetches a page": {
    schemes: ["ws"],
    lose: (endpoint) => sendRaw(endpoint, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n"),
  },
  "whose request is malformed": { schemes: ["ws"], lose: (endpoint) => sendRaw(endpoint, "nonsense\r\n\r\n") },
  "that leaves within its request": { schemes: ["ws"], lose: (endpoint) => sendRaw(endpoint, "GET / HT") },
};

for (const [way, { schemes, lose }] of Object.entries(WAYS)) {
  for (const scheme of schemes) {
    Deno.test(`${scheme}: a client ${way} frees its place`, async () => {
      await using server = await start(scheme);
      await assertGivesBack({
        limit: PLACES,
        lose: () => lose(server.endpoint),
        isServed: async () => await say(server.endpoint, "still there") === "still there",
      });
    });
  }
}

for (const scheme of ["tcp", "tls", "ws", "wss"] as const) {
  Deno.test(`${scheme}: a client that a gate rejects frees its place`, async () => {
    await using server = await start(scheme);
    server.isDenying.now = true;
    // Only an HTTP client is notified, and this one reads no HTTP.
    if (scheme === "tcp" || scheme === "tls") {
      assertEquals(await say(server.endpoint, "let me in").catch(() => null), null);
    }
    await assertGivesBack({
      limit: PLACES,
      lose: () => say(server.endpoint, "let me in").catch(() => {}),
      isServed: async () => {
        server.isDenying.now = false;
        return await say(server.endpoint, "still there") === "still there";
      },
    });
  });
}

Deno.test("ws: 32 clients at a time receive the reason for a rejection (MAX_REJECTING), and the next one is closed at once", async () => {
  // All of them are within their time limit when the next one connects.
  using _time = new FakeTime();
  await using server = await start("ws", 100);
  server.isDenying.now = true;
  await using owner = new AsyncDisposableStack();
  const answerOf = async () => {
    const conn = owner.use(await dialStream(server.endpoint.replace("ws:", "tcp:")));
    const count = await conn.read(new Uint8Array(1_000));
    return count === null ? "nothing" : "an answer";
  };
  for (let number = 1; number <= 32; number++) assertEquals(await answerOf(), "an answer", `client ${number}`);
  assertEquals(await answerOf(), "nothing");
});
