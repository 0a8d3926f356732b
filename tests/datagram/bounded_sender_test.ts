import { assertEquals } from "@std/assert";
import { BoundedSender } from "../../src/datagram/bounded_sender.ts";
import { DatagramCounts } from "../../src/datagram/counts.ts";
import { type Endpoint, parseEndpoint } from "../../src/net/endpoint.ts";
import { FAKE_TARGET, fakeDatagramSocket } from "../support/fake_datagrams.ts";

/** A sender whose kernel accepts nothing until it is released. */
function start(endpoint?: Endpoint, onSend = () => {}) {
  const { socket, transport } = fakeDatagramSocket(onSend, endpoint);
  const counts = new DatagramCounts();
  const held = Promise.withResolvers<void>();
  transport.held = held.promise;
  return { sender: new BoundedSender(socket, counts), counts, release: () => held.resolve() };
}

const LIMITS = { "udp://127.0.0.1:1": 10_000, "unixgram:/tmp/x": 64 };

for (const [endpoint, limit] of Object.entries(LIMITS)) {
  Deno.test(`BoundedSender queues ${limit} sends on ${endpoint} (MAX_IN_FLIGHT), drops more, and takes as many again`, async () => {
    const { sender, counts, release } = start(parseEndpoint(endpoint));
    for (let count = 0; count < limit; count++) sender.send(Uint8Array.of(1, 2), FAKE_TARGET);
    assertEquals(counts.dropped.size, 0);
    sender.send(Uint8Array.of(1), FAKE_TARGET);
    assertEquals([...counts.dropped], [["backlog", 1]]);
    let isIdle = false;
    const idle = sender.whenIdle().then(() => isIdle = true);
    await Promise.resolve();
    assertEquals(isIdle, false);
    release();
    await idle;
    assertEquals([counts.sent, counts.sentBytes], [limit, 2 * limit]);
    await sender.whenIdle();
    sender.send(Uint8Array.of(1), FAKE_TARGET);
    await sender.whenIdle();
    assertEquals([counts.sent, ...counts.dropped], [limit + 1, ["backlog", 1]]);
  });
}

Deno.test("BoundedSender counts a send that fails, and waits for no more of it", async () => {
  const { sender, counts, release } = start(undefined, () => {
    throw new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
  });
  sender.send(Uint8Array.of(1), FAKE_TARGET);
  release();
  await sender.whenIdle();
  assertEquals([counts.sent, counts.sentBytes, ...counts.dropped], [0, 0, ["send failed", 1]]);
});

Deno.test("DatagramCounts has fields for the reasons that occurred", () => {
  const counts = new DatagramCounts();
  counts.drop("no socket", 0);
  assertEquals(counts.toFields(), { received: 0, sent: 0 });
  counts.received = 2;
  counts.drop("no address");
  counts.drop("no address", 3);
  assertEquals(counts.toFields("replies_"), { replies_received: 2, replies_sent: 0, replies_dropped_no_address: 4 });
});
