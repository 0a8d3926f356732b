/** Every pair of kinds that a relay can join: bytes, half-closes and closes. */

import { assertEquals } from "@std/assert";
import { formatEndpoint } from "../../src/net/endpoint.ts";
import { startRelay } from "../../src/relay/mod.ts";
import { countingBytes } from "../support/fault_run.ts";
import { dialEnd, type End, ENDPOINT_KINDS, type Kind, RelayBench, Target } from "../support/relay_ends.ts";

const isWebSocket = (kind: Kind) => kind === "ws" || kind === "wss";

/** What ends first, and what the far end then sees. */
async function endsInOrder(from: End, to: End): Promise<void> {
  await from.send("last");
  await from.endWrite();
  const { bytes, isReset } = await to.readAll();
  assertEquals([new TextDecoder().decode(bytes), isReset], ["last", false]);
}

for (const listenKind of ENDPOINT_KINDS) {
  for (const targetKind of ENDPOINT_KINDS) {
    const pair = `${listenKind} to ${targetKind}`;

    Deno.test(`a relay from ${pair} forwards bytes both ways`, async () => {
      await using bench = await RelayBench.open(listenKind, {}, targetKind);
      const { client, server } = await bench.pair();
      const data = countingBytes(60_000);
      await Promise.all([client.send(data), server.send(data)]);
      const [atServer, atClient] = await Promise.all([server.readBytes(data.length), client.readBytes(data.length)]);
      assertEquals(atServer, data);
      assertEquals(atClient, data);
    });

    Deno.test(`a relay from ${pair} forwards a client's end, and the answer after it`, async () => {
      await using bench = await RelayBench.open(listenKind, {}, targetKind);
      const { client, server } = await bench.pair();
      await endsInOrder(client, server);
      // The Close of a WebSocket is of both directions: the target has no way left to send on.
      if (isWebSocket(targetKind)) return;
      await server.send("late");
      await server.endWrite();
      const { bytes, isReset } = await client.readAll();
      assertEquals([new TextDecoder().decode(bytes), isReset], ["late", false]);
    });

    Deno.test(`a relay from ${pair} forwards a target's end, and what the client still sends`, async () => {
      await using bench = await RelayBench.open(listenKind, {}, targetKind);
      const { client, server } = await bench.pair();
      await endsInOrder(server, client);
      if (isWebSocket(listenKind)) return;
      await client.send("late");
      await client.endWrite();
      const { bytes, isReset } = await server.readAll();
      assertEquals([new TextDecoder().decode(bytes), isReset], ["late", false]);
    });

    Deno.test(`a relay from ${pair} forgets a connection that both sides have closed`, async () => {
      await using bench = await RelayBench.open(listenKind, {}, targetKind);
      const { client, server } = await bench.pair();
      await client.send("x");
      await server.readBytes(1);
      await Promise.all([client.endWrite(), server.endWrite()]);
      await Promise.all([client.readAll(), server.readAll()]);
      client.close();
      server.close();
      assertEquals(await bench.whenEmpty(), 0);
    });
  }
}

for (const kind of ["tls", "wss"] as const) {
  Deno.test(`a relay from tcp to tcp passes ${kind} through, to its end`, async () => {
    await using target = await Target.open(kind, "");
    await using relay = await startRelay("tcp://localhost:0", target.endpoint.replace(/^\w+/, "tcp"));
    const client = await dialEnd(formatEndpoint(relay.endpoint).replace(/^tcp/, kind));
    const server = await target.next();
    await client.send("ping");
    assertEquals(new TextDecoder().decode(await server.readBytes(4)), "ping");
    await endsInOrder(server, client);
    client.close();
  });
}
