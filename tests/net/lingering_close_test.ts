import { assertEquals } from "@std/assert";
import { lingeringClose } from "../../src/net/lingering_close.ts";
import { fakeConnection } from "../support/fake_transport.ts";

const GENEROUS = { timeoutMs: 60_000 };

Deno.test("lingeringClose() sends what is queued, ends our side, and reads to the peer's end", async () => {
  const { connection, transport } = fakeConnection();
  connection.send(new TextEncoder().encode("bye"));
  transport.say("unread", "bytes", null);
  await lingeringClose(connection, GENEROUS);
  assertEquals([transport.writes, transport.isWriteClosed, transport.closeCount], [["bye"], true, 1]);
  assertEquals(connection.closeReason, "done");
});

Deno.test("lingeringClose() waits for a peer that does not end no longer than it may", async () => {
  const { connection } = fakeConnection();
  await lingeringClose(connection, { timeoutMs: 5, reason: "drain" });
  assertEquals(connection.closeReason, "drain");
});

Deno.test("lingeringClose() takes it well that the peer is gone", async () => {
  const { connection, transport } = fakeConnection();
  transport.say(new Deno.errors.ConnectionReset("gone"));
  await lingeringClose(connection, GENEROUS);
  assertEquals([connection.closeReason, transport.closeCount], ["reset", 1]);
});

Deno.test("lingeringClose() leaves a closed connection as it is", async () => {
  const { connection, transport } = fakeConnection();
  connection.close("kicked");
  await lingeringClose(connection, GENEROUS);
  assertEquals([connection.closeReason, transport.closeCount], ["kicked", 1]);
});
