import { assertEquals } from "@std/assert";
import { dial, listen, type Session } from "@parley/parley";
import { acceptWebSocket, serve } from "@parley/parley/server";

Deno.test("library program 3: a broadcast of JSON to every client over WebSocket", async () => {
  const clients = new Set<Session>();
  await using server = await serve("ws://127.0.0.1:0/", async (session) => {
    clients.add(session);
    for await (const message of session) {
      const event = JSON.stringify({ said: JSON.parse(message.text()), to: clients.size });
      for (const client of clients) client.send(event);
    }
    clients.delete(session);
  }, { subprotocols: ["events.v1"] });
  await using ann = await dial(server.endpoint, { subprotocols: ["events.v1"] });
  await using bob = await dial(server.endpoint, { subprotocols: ["events.v1"] });
  assertEquals(ann.subprotocol, "events.v1");
  ann.send(JSON.stringify("hello"));
  for (const client of [ann, bob]) assertEquals(await next(client), { said: "hello", to: 2 });
});

Deno.test("library program 3: acceptWebSocket() completes the handshake on an accepted connection", async () => {
  using listener = await listen("ws://127.0.0.1:0/");
  const serving = (async () => {
    const connection = await listener.accept();
    await using session = connection === null ? undefined : await acceptWebSocket(connection);
    session?.send("welcome", true);
  })();
  {
    await using client = await dial(listener.endpoint);
    for await (const message of client) assertEquals([message.text(), message.isText], ["welcome", true]);
    assertEquals(client.closeFrame?.code, 1000);
  }
  await serving;
});

async function next(session: Session): Promise<unknown> {
  const [message] = await session.receive({ timeout: 5_000 }) ?? [];
  return message && JSON.parse(new TextDecoder().decode(message.data));
}
