import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, ResetError } from "@parley/parley";
import { pairOf } from "../support/connection_pair.ts";

Deno.test("readable yields copies of received data, and ends with the peer", async () => {
  await using pair = await pairOf();
  const text = new Response(pair.client.readable).text();
  await pair.server.write("hello, ");
  await pair.server.write("world");
  await pair.server.closeWrite();
  assertEquals(await text, "hello, world");
});

Deno.test("writable writes, and its end is the end of our side only", async () => {
  await using pair = await pairOf();
  await new Response("hello").body?.pipeTo(pair.client.writable);
  assertEquals(new TextDecoder().decode(await pair.server.read() ?? undefined), "hello");
  assertEquals(await pair.server.read(), null);
  await pair.server.write("and back");
  assertEquals((await pair.client.read())?.length, 8);
});

Deno.test("readable and writable are one stream each, however often they are asked for", async () => {
  await using pair = await pairOf();
  assertEquals(pair.client.readable === pair.client.readable, true);
  assertEquals(pair.client.writable === pair.client.writable, true);
});

Deno.test("readable reads nothing before it is read from, so that the peer is held back", async () => {
  await using pair = await pairOf();
  const { readable } = pair.client;
  await pair.server.write("hello");
  assertEquals([pair.client.bytesRead, readable.locked], [0, false]);
});

Deno.test("cancelling readable, and aborting writable, close the connection", async () => {
  for (const end of ["cancel", "abort"] as const) {
    await using pair = await pairOf();
    if (end === "cancel") await pair.client.readable.cancel();
    else await pair.client.writable.abort();
    assertEquals(pair.client.closeReason, "aborted");
    await assertRejects(() => pair.client.write("x"), ClosedError);
  }
});

Deno.test("readable fails with the connection's error", async () => {
  await using pair = await pairOf({ canReset: true });
  const reading = new Response(pair.client.readable).text();
  pair.server.reset();
  await assertRejects(() => reading, ResetError);
});
