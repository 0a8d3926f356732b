/** Limits of WebSocket connections at N, where they are kept, and at N + 1; deadlines at both bounds. */

import { assert, assertEquals } from "@std/assert";
import type { Connection } from "../../src/net/connection.ts";
import { WebSocketAcceptor } from "../../src/websocket/acceptor.ts";
import { leave } from "../../src/websocket/close_frame.ts";
import { dial } from "../../src/dial.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { writeAll } from "../support/peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { frameOf, joined, upgradeRequest } from "../support/websocket_peer.ts";

const createAcceptor = () =>
  WebSocketAcceptor.create({
    routes: { "/": () => ({ status: 200, body: "hello" }) } as never,
    subprotocols: [],
    origins: [],
    maxMessageBytes: 1_024,
  });

/** What closes a connection whose peer stays connected, and the maximum time until then. */
const WAITS: readonly [
  what: string,
  maxMs: number,
  close: (acceptor: WebSocketAcceptor, connection: Connection) => Promise<unknown>,
  request?: string,
][] = [
  ["a rejected client has 500 ms to read the reason (REJECT_MS)", 500, (acceptor, connection) => {
    return acceptor.reject(connection, { reason: "denied" });
  }],
  ["a client has 2 s to read its last response (LINGER_MS)", 2_000, (acceptor, connection) => {
    return acceptor.accept(connection);
  }, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
  ["a client has 2 s to read what was wrong with its request (LINGER_MS)", 2_000, (acceptor, connection) => {
    return acceptor.accept(connection);
  }, "GET / HTTP/1.1\r\nHost a\r\n\r\n"],
];

for (const [what, maxMs, close, request] of WAITS) {
  Deno.test(what, async () => {
    const acceptor = await createAcceptor();
    using time = new FakeTime();
    const { transport, connection } = fakeConnection();
    if (request !== undefined) transport.say(request);
    const closing = close(acceptor, connection);
    await time.advance(maxMs - 10);
    assertEquals([connection.closeReason, transport.writes.length > 0], [undefined, true]);
    await time.advance(20);
    assert(connection.closeReason !== undefined);
    await closing;
  });
}

/** A session whose client is the test. */
async function openSession(limits: { outboxBytes?: number } = {}) {
  const { transport, connection } = fakeConnection({ limits });
  transport.say(upgradeRequest("a"));
  const session = await (await createAcceptor()).accept(connection);
  assert(session !== undefined);
  return { transport, connection, session };
}

Deno.test("leave() waits 250 ms for the peer's Close (LEAVE_MS)", async () => {
  const { connection, session } = await openSession();
  using time = new FakeTime();
  const leaving = leave(session);
  await time.advance(240);
  assertEquals(connection.closeReason, undefined);
  await time.advance(20);
  assertEquals(connection.closeReason, "done");
  await leaving;
});

Deno.test("WebSocketSession queues 64 KiB of pongs beyond a full outbox (CONTROL_RESERVE_BYTES)", async () => {
  const outboxBytes = 1_000;
  const { transport, connection, session } = await openSession({ outboxBytes });
  transport.holdWrites();
  const receiving = session.receive().catch(() => null);
  const ping = frameOf({ opcode: 9, payload: "x".repeat(100) });
  let queuedBytes = 0;
  transport.say(joined(Array(600).fill(ping)));
  while (connection.closeReason === undefined) {
    queuedBytes = session.queuedBytes;
    transport.say(joined([ping]));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const most = outboxBytes + 64 * 1_024;
  assertEquals([connection.closeReason, queuedBytes > most, queuedBytes <= most + 102], ["slow consumer", true, true]);
  transport.releaseWrites();
  await receiving;
});

Deno.test("dial() over ws waits 500 ms for the rest of a refusal's reason (REASON_MS)", async () => {
  await using peer = scriptedPeer(async (conn) => {
    await writeAll(conn, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nsorry");
  });
  using time = new FakeTime();
  const startMs = performance.now();
  let endMs = 0;
  const failing = dial(peer.endpoint.replace("tcp:", "ws:"), { handshakeTimeout: "1h" }).then(
    () => undefined,
    (error) => {
      endMs = performance.now();
      return error as Error;
    },
  );
  for (let waitedMs = 0; endMs === 0 && waitedMs < 60_000; waitedMs += 10) await time.advance(10);
  const message = (await failing)?.message ?? "";
  assertEquals([/403/.test(message), /sorry/.test(message), endMs - startMs >= 500], [true, true, true], message);
  assert(endMs - startMs < 60_000);
});
