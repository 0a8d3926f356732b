/** Limits of the services at N, where it is kept, and at N + 1. */

import { assertEquals } from "@std/assert";
import { answerBatch } from "../../src/services/session_input.ts";
import { exec } from "../../src/services/exec.ts";
import { FakeSession } from "../support/fake_session.ts";

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
