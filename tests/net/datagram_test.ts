import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LimitError, ResolveError, TimeoutError } from "../../src/base/errors.ts";
import { bind } from "../../src/factory.ts";
import { Logger } from "../../src/log/logger.ts";
import { DatagramSocket } from "../../src/net/datagram.ts";
import { probePort } from "../../src/net/datagram_probe.ts";
import type { Endpoint } from "../../src/net/endpoint.ts";
import { fakeDatagramSocket } from "../support/fake_datagrams.ts";
import { withinTime } from "../support/give_back.ts";

const ANY = "udp://127.0.0.1:0";
const TARGET: Endpoint = { scheme: "udp", host: "192.0.2.7", port: 9, path: "/" };

Deno.test("DatagramSocket sends 65,507 bytes and rejects 65,508 with the limit (abuse 41)", async () => {
  await using receiver = await bind(ANY);
  await using sender = await bind(ANY);
  await sender.send(new Uint8Array(65_507), receiver.endpoint);
  assertEquals((await receiver.receive())?.data.length, 65_507);
  const error = await assertRejects(() => sender.send(new Uint8Array(65_508), receiver.endpoint), LimitError);
  assertStringIncludes(error.message, "65507");
});

Deno.test("DatagramSocket.receive() marks a datagram longer than maxBytes as truncated (abuse 42)", async () => {
  await using receiver = await bind(ANY, { maxBytes: 4 });
  await using sender = await bind(ANY);
  for (const size of [4, 5]) await sender.send(new Uint8Array(size), receiver.endpoint);
  const [first, second] = [await receiver.receive(), await receiver.receive()].map((datagram) => datagram?.isTruncated);
  assertEquals([first, second], [false, true]);
});

Deno.test("DatagramSocket passes datagrams to the kernel in the order of the calls, on a socket that is new (fault 4)", async () => {
  for (let round = 0; round < 5; round++) {
    await using receiver = await bind(ANY);
    await using sender = await bind(ANY);
    await Promise.all([0, 1, 2, 3].map((byte) => sender.send(Uint8Array.of(byte), receiver.endpoint)));
    const seen: number[] = [];
    while (seen.length < 4) seen.push((await receiver.receive({ timeout: 5_000 }))?.data[0] ?? -1);
    assertEquals(seen, [0, 1, 2, 3]);
  }
});

Deno.test("DatagramSocket.answerEach() keeps the order among replies and datagrams sent besides (fault 4)", async () => {
  await using server = await bind(ANY);
  await using client = await bind(ANY);
  await client.send(Uint8Array.of(1), server.endpoint);
  let served = 0;
  const answer = () => {
    served++;
    for (const byte of [1, 2, 3]) server.post(Uint8Array.of(byte), client.endpoint, () => {});
    return Uint8Array.of(4);
  };
  await server.answerEach(answer, () => {}, () => served === 1);
  const seen: number[] = [];
  while (seen.length < 4) seen.push((await client.receive({ timeout: 5_000 }))?.data[0] ?? -1);
  assertEquals(seen, [1, 2, 3, 4]);
});

Deno.test("DatagramSocket.close() rejects the sends that wait for an earlier one (fault 4)", async () => {
  const { promise: pending, reject } = Promise.withResolvers<number>();
  const transport = {
    receive: () => pending.then(() => [new Uint8Array(0), { transport: "udp", hostname: "", port: 0 }] as never),
    send: () => pending,
    close: () => reject(new Deno.errors.BadResource("closed")),
  };
  const socket = new DatagramSocket(transport, { endpoint: TARGET, log: Logger.of("test") });
  const sends = [1, 2, 3].map((byte) => assertRejects(() => socket.send(Uint8Array.of(byte), TARGET), Error, "closed"));
  socket.close();
  await Promise.all(sends);
});

Deno.test("DatagramSocket.send() rejects an endpoint of another kind", async () => {
  await using socket = await bind(ANY);
  await assertRejects(() => socket.send(Uint8Array.of(1), { ...TARGET, scheme: "tcp" }), TypeError, "udp or unixgram");
});

Deno.test("DatagramSocket.send() to a name without an address throws a ResolveError", async () => {
  await using socket = await bind(ANY);
  await assertRejects(() => socket.send("x", "udp://no-such-host.invalid:9"), ResolveError, "no-such-host.invalid");
});

Deno.test("DatagramSocket.receive() that timed out loses nothing", async () => {
  await using socket = await bind(ANY);
  const error = await assertRejects(() => socket.receive({ timeout: 20 }), TimeoutError, "within 20ms");
  assertEquals(error.afterMs, 20);
  await socket.send(Uint8Array.of(7), socket.endpoint);
  assertEquals((await socket.receive())?.data, Uint8Array.of(7));
});

Deno.test("DatagramSocket iterates over datagrams until it is closed", async () => {
  await using socket = await bind(ANY);
  for (const byte of [1, 2]) await socket.send(Uint8Array.of(byte), socket.endpoint);
  const seen: Uint8Array[] = [];
  for await (const { data } of socket) {
    if (seen.push(data) === 2) socket.close();
  }
  // The first was not overwritten by the second.
  assertEquals(seen, [Uint8Array.of(1), Uint8Array.of(2)]);
});

Deno.test("probePort() distinguishes closed and bound ports of this machine, and is inconclusive for others", async () => {
  const socket = await bind(ANY);
  assertEquals(probePort(socket.endpoint, socket), "bound");
  socket.close();
  assertEquals(probePort(socket.endpoint, socket), "closed");
  assertEquals(probePort({ scheme: "udp", host: "192.0.2.77", port: 5000, path: "/" }, socket), "unknown");
});

Deno.test({
  name: "DatagramSocket on a Unix path sends while it receives",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using one = await bind(`unixgram:${folder}/one`);
      await using other = await bind(`unixgram:${folder}/other`);
      const waiting = one.receive();
      await one.send(Uint8Array.of(1), other.endpoint);
      const received = await other.receive();
      assertEquals([received?.data, received?.from], [Uint8Array.of(1), one.endpoint]);
      await other.send(Uint8Array.of(2), one.endpoint);
      assertEquals((await waiting)?.data, Uint8Array.of(2));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("DatagramSocket.answerEach() ends with any error of its answer or its reply callback", async () => {
  const failed = () => {
    throw new Error("no more");
  };
  for (const [answer, onSent] of [[failed, () => {}], [() => Uint8Array.of(1), failed]] as const) {
    await using socket = await bind(ANY);
    await using sender = await bind(ANY);
    await sender.send(Uint8Array.of(7), socket.endpoint);
    await assertRejects(() => socket.answerEach(answer, onSent, () => false), Error, "no more");
  }
});

Deno.test("DatagramSocket.answerEach() reports each reply, sent or failed, and continues", async () => {
  const outcomes: string[] = [];
  const { socket, transport } = fakeDatagramSocket((text) => {
    if (text === "bad") throw Object.assign(new Error("the system's text"), { code: "ENETUNREACH" });
    if (text === "long") throw Object.assign(new Error("the system's text"), { code: "EMSGSIZE" });
  });
  for (const text of ["one", "bad", "long", "last"]) transport.deliver(text);
  const onSent = (bytes: number, error?: Error) => outcomes.push(`${bytes} ${error?.message ?? ""}`);
  await withinTime(socket.answerEach(({ data }) => data.slice(), onSent, () => outcomes.length === 4), "four replies");
  assertEquals(outcomes, [
    "3 ",
    "0 Cannot send to udp://192.0.2.7:9: network is unreachable",
    "0 Cannot send 4 bytes to udp://192.0.2.7:9: one datagram carries at most 65507",
    "4 ",
  ]);
});

Deno.test("DatagramSocket.answerEach() ends when the socket is closed, and with the error of a receive", async () => {
  const closed = fakeDatagramSocket();
  const running = closed.socket.answerEach(() => undefined, () => {}, () => false);
  closed.socket.close();
  await withinTime(running, "the end");
  const failing = fakeDatagramSocket();
  failing.transport.deliver(new Error("a bad socket"));
  const failed = failing.socket.answerEach(() => undefined, () => {}, () => false);
  await assertRejects(() => withinTime(failed, "the failure"), Error, "a bad socket");
});
