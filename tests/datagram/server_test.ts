import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatagramServer, type DatagramServerOptions } from "../../src/datagram/server.ts";
import type { DatagramService } from "../../src/datagram/service.ts";
import { Impairment } from "../../src/datagram/impairment.ts";
import { Impairments } from "../../src/datagram/impairments.ts";
import { AccessList } from "../../src/guard/access_list.ts";
import { DatagramGate } from "../../src/guard/datagram_gate.ts";
import { Logger } from "../../src/log/logger.ts";
import { parseEndpoint } from "../../src/net/endpoint.ts";
import { fakeDatagramSocket } from "../support/fake_datagrams.ts";
import { FakeTime } from "../support/fake_time.ts";
import { withinTime } from "../support/give_back.ts";

const UNIX = parseEndpoint("unixgram:/tmp/x");
const UNIX_CLIENT: Deno.Addr = { transport: "unixpacket", path: "/tmp/client" };

/** A server over a fake network, of UDP or of Unix sockets, that sends each reply twice by default. */
function start(options: Partial<DatagramServerOptions> = {}, scheme: "udp" | "unixgram" = "udp") {
  const sent: string[] = [];
  const { socket, transport } = fakeDatagramSocket((text) => sent.push(text), scheme === "udp" ? undefined : UNIX);
  let disposed = 0;
  const service: DatagramService = { onDatagram: ({ data }) => data, [Symbol.dispose]: () => void disposed++ };
  const server = new DatagramServer({ service, sockets: [socket], log: Logger.of("test"), ...options });
  const stop = new AbortController();
  const running = server.run(stop.signal);
  return {
    sent,
    transport,
    server,
    running,
    give: (item: string | Uint8Array | Error, from?: Deno.Addr) =>
      transport.deliver(item, from ?? (scheme === "udp" ? undefined : UNIX_CLIENT)),
    disposed: () => disposed,
    stop: async () => {
      stop.abort();
      await withinTime(running, "the end");
    },
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

for (const scheme of ["udp", "unixgram"] as const) {
  Deno.test(`${scheme}: DatagramServer answers as many datagrams as it is asked to, and ends`, async () => {
    const { give, sent, running, server, disposed } = start({ maxDatagrams: 2 }, scheme);
    for (const text of ["one", "two", "three"]) give(text);
    await withinTime(running, "two datagrams");
    const { received, receivedBytes, sent: count, sentBytes } = server.counts;
    assertEquals([sent, received, receivedBytes, count, sentBytes, disposed()], [["one", "two"], 2, 6, 2, 6, 1]);
  });

  Deno.test(`${scheme}: DatagramServer ends with an error of its service`, async () => {
    const service = {
      onDatagram() {
        throw new TypeError("a bug");
      },
    };
    const { give, running } = start({ service }, scheme);
    give("x");
    await assertRejects(() => withinTime(running, "the failure"), TypeError, "a bug");
  });

  Deno.test(`${scheme}: DatagramServer continues after a failed receive, and waits longer each time`, async () => {
    using time = new FakeTime();
    const { give, sent, stop } = start({}, scheme);
    for (let count = 0; count < 3; count++) give(new Error("Connection reset by peer (os error 104)"));
    give("after");
    await time.advance(1);
    assertEquals(sent, []);
    await time.advance(10_000);
    assertEquals(sent, ["after"]);
    await stop();
  });

  Deno.test(`${scheme}: DatagramServer serves nothing once its signal has aborted`, async () => {
    const { socket, transport } = fakeDatagramSocket(undefined, scheme === "udp" ? undefined : UNIX);
    let count = 0;
    const service = { onDatagram: () => void count++ };
    transport.deliver("x");
    const server = new DatagramServer({ service, sockets: [socket], log: Logger.of("test") });
    await withinTime(server.run(AbortSignal.abort()), "the end");
    assertEquals(count, 0);
  });

  Deno.test(`${scheme}: DatagramServer drops truncated, denied and excess datagrams, and counts them`, async () => {
    const gate = new DatagramGate({
      access: new AccessList({ allow: [], deny: ["192.0.2.66"] }),
      perSecond: 2,
      now: () => 0,
    });
    const { give, sent, server, stop } = start({ ...scheme === "udp" && { gate } }, scheme);
    give(new Uint8Array(2_001));
    if (scheme === "udp") {
      give("denied", { transport: "udp", hostname: "192.0.2.66", port: 1 });
      for (const text of ["1", "2", "3"]) give(text);
    } else give("1");
    for (let turns = 0; turns < 5; turns++) await turn();
    await stop();
    assertEquals(sent, scheme === "udp" ? ["1", "2"] : ["1"]);
    const expected = scheme === "udp" ? [["truncated", 1], ["denied", 1], ["rate", 1]] : [["truncated", 1]];
    assertEquals([...server.counts.dropped], expected);
  });

  Deno.test(`${scheme}: DatagramServer sends no reply larger than its request unless it may amplify`, async () => {
    for (const mayAmplify of [undefined, true]) {
      const service = { onDatagram: () => new TextEncoder().encode("four") };
      const { give, sent, server, stop } = start({ service, mayAmplify }, scheme);
      for (const text of ["123", "1234"]) give(text);
      for (let turns = 0; turns < 5; turns++) await turn();
      await stop();
      assertEquals(sent.length, mayAmplify ? 2 : 1);
      assertEquals([...server.counts.dropped], mayAmplify ? [] : [["amplification", 1]]);
    }
  });

  Deno.test(`${scheme}: DatagramServer delivers truncated datagrams to a service that accepts them`, async () => {
    const seen: boolean[] = [];
    const service: DatagramService = {
      onDatagram: ({ isTruncated }) => void seen.push(isTruncated),
      takesTruncated: true,
    };
    const { give, stop } = start({ service }, scheme);
    give(new Uint8Array(2_001));
    give(new Uint8Array(2_000));
    for (let turns = 0; turns < 5; turns++) await turn();
    await stop();
    assertEquals(seen, [true, false]);
  });

  Deno.test(`${scheme}: DatagramServer puts its requests through the impairment, and waits for the last at its end`, async () => {
    using time = new FakeTime();
    const impairment = new Impairments([new Impairment({ seed: 1, delay: 500 })]);
    const { give, sent, running } = start({ impairment, maxDatagrams: 1 }, scheme);
    give("late");
    await time.advance(490);
    assertEquals(sent, []);
    await time.advance(20);
    await withinTime(running, "the end");
    assertEquals(sent, ["late"]);
  });
}

Deno.test("DatagramServer drops a datagram with its own address, whose reply would come back without end", async () => {
  const { give, sent, server, stop } = start();
  give("forged", { transport: "udp", hostname: "192.0.2.1", port: 5_000 });
  give("y");
  for (let turns = 0; turns < 5; turns++) await turn();
  await stop();
  assertEquals([sent, [...server.counts.dropped]], [["y"], [["own address", 1]]]);
});

Deno.test("DatagramServer drops the reply to a Unix socket without a name", async () => {
  const { give, sent, server, stop } = start({}, "unixgram");
  give("x", { transport: "unixpacket", path: "" });
  give("y");
  for (let turns = 0; turns < 5; turns++) await turn();
  await stop();
  assertEquals([sent, [...server.counts.dropped]], [["y"], [["no address", 1]]]);
});

Deno.test("DatagramServer waits a second for the kernel to take the last replies (LAST_REPLIES_MS)", async () => {
  using time = new FakeTime();
  const { give, running, transport } = start({ maxDatagrams: 1 }, "unixgram");
  const never = Promise.withResolvers<void>();
  transport.held = never.promise;
  give("x");
  let isDone = false;
  void running.then(() => isDone = true);
  await time.advance(990);
  assert(!isDone);
  await time.advance(20);
  assert(isDone);
  never.resolve();
});

for (const scheme of ["udp", "unixgram"] as const) {
  Deno.test(`${scheme}: DatagramServer receives nothing while it is held back, and then continues, twice`, async () => {
    let held: PromiseWithResolvers<void> | undefined;
    const service = { onDatagram: () => void (held = Promise.withResolvers()) };
    const { give, server, stop } = start({ service, heldBy: () => held?.promise }, scheme);
    for (const text of ["one", "two", "three"]) give(text);
    for (let count = 1; count <= 3; count++) {
      await turn();
      await turn();
      assertEquals(server.counts.received, count);
      const release = held?.resolve;
      held = undefined;
      release?.();
    }
    await stop();
  });
}
