import { assertEquals, assertInstanceOf } from "@std/assert";
import { ClosedError, ResetError } from "@parley/parley";
import { pairOf } from "../support/connection_pair.ts";

Deno.test("signal aborts when this side closes the connection, and is one signal", async () => {
  await using pair = await pairOf();
  const { signal } = pair.client;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  assertEquals([signal.aborted, signal === pair.client.signal], [false, true]);
  pair.client.close();
  await aborted;
  assertInstanceOf(signal.reason, ClosedError);
});

Deno.test("signal aborts with the error that ended the connection", async () => {
  await using pair = await pairOf({ canReset: true });
  const { signal } = pair.client;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  pair.server.reset();
  await pair.client.read().catch(() => {});
  await aborted;
  assertInstanceOf(signal.reason, ResetError);
});

Deno.test("signal of a closed connection is aborted in the next microtasks", async () => {
  await using pair = await pairOf();
  pair.client.close();
  const { signal } = pair.client;
  await pair.client.closed;
  await Promise.resolve();
  assertEquals(signal.aborted, true);
});
