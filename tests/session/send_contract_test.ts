import { assert, assertEquals } from "@std/assert";
import { connect, type Connection, dial, listen, parseFraming } from "@parley/parley";
import { serve } from "@parley/parley/server";

const MESSAGE_BYTES = 20_000;

/** A peer that reads: how many bytes came until the end. */
async function bytesAtPeer(work: (client: Connection) => Promise<void>): Promise<number> {
  using listener = await listen("tcp://127.0.0.1:0");
  const counting = (async () => {
    await using served = await listener.accept();
    let count = 0;
    for (let bytes = await served?.read(); bytes; bytes = await served?.read()) count += bytes.length;
    return count;
  })();
  {
    await using client = await connect(listener.endpoint);
    await work(client);
  }
  return await counting;
}

Deno.test("send() at the end of a scope: every byte it took arrives (fault 3)", async () => {
  const taken = await bytesAtPeer((client) => Promise.resolve(void client.send(new Uint8Array(1_000_000))));
  assertEquals(taken, 1_000_000);
});

Deno.test("send() of more than the outbox holds in one turn: what it took arrives, the rest is rejected (fault 3)", async () => {
  let sent = 0;
  const count = await bytesAtPeer((client) => {
    for (let turn = 0; turn < 100; turn++) if (client.send(new Uint8Array(MESSAGE_BYTES))) sent++;
    return Promise.resolve();
  });
  assertEquals([sent, count], [52, 52 * MESSAGE_BYTES]);
});

Deno.test("send() of one message larger than the outbox is rejected, and write() delivers it (fault 3)", async () => {
  const count = await bytesAtPeer(async (client) => {
    assertEquals(client.send(new Uint8Array(2_000_000)), false);
    await client.write(new Uint8Array(2_000_000));
  });
  assertEquals(count, 2_000_000);
});

for (const framing of ["line", "length:4be", "raw"]) {
  Deno.test(`Session.send() over ${framing} takes no more than the outbox holds, and all of that arrives (fault 3)`, async () => {
    using listener = await listen("tcp://127.0.0.1:0");
    const codec = parseFraming(framing, { maxBytes: 4_000_000 });
    const counting = (async () => {
      await using served = await listener.accept();
      let count = 0;
      for (let bytes = await served?.read(); bytes; bytes = await served?.read()) count += bytes.length;
      return count;
    })();
    const session = await dial(listener.endpoint, { framing: codec });
    assertEquals(session.send(new Uint8Array(2_000_000).fill(97)), false);
    let taken = 0;
    while (session.send(new Uint8Array(MESSAGE_BYTES).fill(97))) taken++;
    assertEquals([taken, session.closeReason], [52, undefined]);
    await session.flush();
    assert(session.send("room again"));
    await session.write(new Uint8Array(2_000_000).fill(97));
    await session.finish();
    const payload = taken * MESSAGE_BYTES + 10 + 2_000_000;
    const overhead = { line: 1, "length:4be": 4 }[framing] ?? 0;
    assertEquals(await counting, payload + overhead * (taken + 2));
  });
}

for (const endpoint of ["tcp://127.0.0.1:0", "ws://127.0.0.1:0/"]) {
  for (const framing of endpoint.startsWith("ws") ? ["line"] : ["line", "raw"]) {
    Deno.test(`Session.write() over ${endpoint} (${framing}) sends a text in UTF-8`, async () => {
      await using server = await serve(endpoint, async (session) => {
        for await (const message of session) await session.write(`${message.isText} ${message.text()}`);
      }, { framing });
      await using session = await dial(server.endpoint, { framing });
      await session.write("grüße");
      const [message] = await session.receive() ?? [];
      assertEquals([message?.isText, new TextDecoder().decode(message?.data)], [
        endpoint.startsWith("ws"),
        `${endpoint.startsWith("ws")} grüße`,
      ]);
    });
  }
}
