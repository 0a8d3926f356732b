/** Limits of the services at N, where it is kept, and at N + 1. */

import { assertEquals } from "@std/assert";
import { Logger } from "../../src/log/logger.ts";
import { ProxyServer } from "../../src/services/proxy/proxy_server.ts";
import { answerBatch } from "../../src/services/session_input.ts";
import { exec } from "../../src/services/exec.ts";
import { FakeSession } from "../support/fake_session.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";

Deno.test("answerBatch() waits for a client with more than 256 KiB to read (HIGH_WATER_BYTES)", async () => {
  for (const [queuedBytes, expected] of [[256 * 1024, 1], [256 * 1024 + 1, 3]] as const) {
    const session = new FakeSession();
    session.queuedBytes = queuedBytes;
    let flushes = 0;
    session.flush = () => Promise.resolve(void flushes++);
    const batch = ["a", "b"].map((text) => ({ data: new TextEncoder().encode(text), isText: true }));
    await answerBatch(session, batch, ({ data }) => data);
    // The last one is for the end of the batch.
    assertEquals([session.take(), flushes], [["a", "b"], expected]);
  }
});

Deno.test("exec has 256 connections by default (MAX_PROGRAMS), which --max-connections changes", () => {
  assertEquals(exec.maxConnections, 256);
});

Deno.test("proxy gives a client that it rejects 1 s to read why (LINGER_MS)", async () => {
  const log = Logger.of("test");
  const limits = { connectTimeoutMs: 60_000, handshakeTimeoutMs: 60_000, maxAssociations: 1 };
  const server = new ProxyServer({ allow: [], deny: [], log, ...limits });
  // A greeting without a method, and a request of another version.
  for (
    const [request, reason] of [[Uint8Array.of(5, 0), "denied"], [
      Uint8Array.of(5, 1, 0, 4, 1, 0, 1, 127, 0, 0, 1, 0, 9),
      "bad message",
    ]] as const
  ) {
    using time = new FakeTime();
    const { transport, connection } = fakeConnection();
    transport.say(request);
    const serving = server.serve(new FakeSession(), connection);
    await time.advance(990);
    assertEquals([transport.writes.length > 0, connection.closeReason], [true, undefined]);
    await time.advance(20);
    assertEquals(connection.closeReason, reason);
    await serving;
  }
});
