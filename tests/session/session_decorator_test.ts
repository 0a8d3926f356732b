import { assertEquals } from "@std/assert";
import { dial, type Session } from "@parley/parley";
import { serve } from "@parley/parley/server";

Deno.test("SessionDecorator passes on the Close frame of a client", async () => {
  const ended = Promise.withResolvers<Session["closeFrame"]>();
  await using server = await serve("ws://127.0.0.1:0/", async (session) => {
    for await (const _ of session);
    ended.resolve(session.closeFrame);
  }, { rates: { messagesPerSecond: 100 } });
  await using client = await dial(server.endpoint);
  await client.finish("done", { closeFrame: { code: 4001, text: "so long" } });
  assertEquals(await ended.promise, { code: 4001, text: "so long" });
});
