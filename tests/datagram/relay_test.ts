import { assert, assertEquals, assertNotEquals, assertObjectMatch } from "@std/assert";
import { Impairment } from "../../src/datagram/impairment.ts";
import { Impairments } from "../../src/datagram/impairments.ts";
import { DatagramRelay, type DatagramRelayOptions } from "../../src/datagram/relay.ts";
import { bindSender } from "../../src/datagram/sender.ts";
import { bind } from "../../src/factory.ts";
import { DatagramGate } from "../../src/guard/datagram_gate.ts";
import { Logger } from "../../src/log/logger.ts";
import type { DatagramSocket } from "../../src/net/datagram.ts";
import { type Endpoint, formatEndpoint } from "../../src/net/endpoint.ts";
import { delay, nextTurn } from "../../src/net/wait.ts";
import { FAKE_TARGET, fakeDatagramSocket } from "../support/fake_datagrams.ts";
import { FakeTime } from "../support/fake_time.ts";

const ANY = "udp://127.0.0.1:0";
const WITHIN = { timeout: "10s" };

/** A relay in this process, in front of `target`. */
async function startRelay(target: Endpoint, options: Partial<DatagramRelayOptions> = {}, maxBytes?: number) {
  const front = options.front ?? await bind(ANY, maxBytes === undefined ? {} : { maxBytes });
  const upstream: Endpoint[] = [];
  const relay = new DatagramRelay({
    front,
    target,
    log: Logger.of("test"),
    open: async () => {
      const socket = await bindSender(target, undefined, maxBytes === undefined ? {} : { maxBytes });
      upstream.push(socket.endpoint);
      return socket;
    },
    maxClients: 1_000,
    idleTimeout: 60_000,
    ...options,
  });
  const stop = new AbortController();
  const running = relay.run(stop.signal);
  return {
    relay,
    upstream,
    endpoint: front.endpoint,
    running,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** Sends each datagram back until it is disposed of. */
async function startEcho() {
  const socket = await bind(ANY);
  const running = socket.answerEach(({ data }) => data, () => {}, () => false);
  return {
    endpoint: socket.endpoint,
    async [Symbol.asyncDispose]() {
      socket.close();
      await running;
    },
  };
}

async function receiveByte(socket: DatagramSocket): Promise<number | undefined> {
  return (await socket.receive(WITHIN))?.data[0];
}

/** One round trip. */
async function exchange(client: DatagramSocket, to: Endpoint, byte: number): Promise<void> {
  await client.send(Uint8Array.of(byte), to);
  assertEquals(await receiveByte(client), byte);
}

Deno.test("DatagramRelay forwards a new client's burst in order (fault 4)", async () => {
  for (let round = 0; round < 5; round++) {
    await using target = await bind(ANY);
    await using started = await startRelay(target.endpoint);
    await using client = await bind(ANY);
    for (const byte of [0, 1, 2, 3, 4, 5]) await client.send(Uint8Array.of(byte), started.endpoint);
    const seen: (number | undefined)[] = [];
    while (seen.length < 6) seen.push(await receiveByte(target));
    assertEquals(seen, [0, 1, 2, 3, 4, 5]);
  }
});

Deno.test("DatagramRelay answers 1,000 clients, each in order (faults 4 and 5)", async () => {
  await using echo = await startEcho();
  await using started = await startRelay(echo.endpoint);
  await using owner = new AsyncDisposableStack();
  const clients: DatagramSocket[] = [];
  while (clients.length < 1_000) clients.push(owner.use(await bind(ANY, { maxBytes: 64 })));
  for (let from = 0; from < clients.length; from += 50) {
    await Promise.all(
      clients.slice(from, from + 50).map(async (client) => {
        for (const byte of [1, 2, 3]) await client.send(Uint8Array.of(byte), started.endpoint);
        for (const byte of [1, 2, 3]) assertEquals(await receiveByte(client), byte);
      }),
    );
  }
  // The first ones still have their sockets.
  for (const client of clients.slice(0, 3)) await exchange(client, started.endpoint, 9);
  assertEquals(started.relay.clients, { now: 1_000, total: 1_000, evicted: 0, expired: 0 });
  assertEquals([...started.relay.forward.dropped, ...started.relay.backward.dropped], []);
});

Deno.test("DatagramRelay evicts the client that was idle longest for one more than its maximum, and counts it (fault 5)", async () => {
  await using echo = await startEcho();
  await using started = await startRelay(echo.endpoint, { maxClients: 2 });
  await using one = await bind(ANY);
  await using two = await bind(ANY);
  await using three = await bind(ANY);
  for (const client of [one, two, one]) await exchange(client, started.endpoint, 1);
  assertObjectMatch(started.relay.clients, { now: 2, total: 2, evicted: 0 });
  await exchange(three, started.endpoint, 1);
  assertObjectMatch(started.relay.clients, { now: 2, total: 3, evicted: 1 });
  await exchange(one, started.endpoint, 2);
  assertObjectMatch(started.relay.clients, { total: 3, evicted: 1 });
  await exchange(two, started.endpoint, 2);
  assertObjectMatch(started.relay.clients, { now: 2, total: 4, evicted: 2 });
});

Deno.test("DatagramRelay forgets idle clients, and serves them again when they return (fault 5)", async () => {
  await using echo = await startEcho();
  await using started = await startRelay(echo.endpoint, { idleTimeout: 30 });
  await using client = await bind(ANY);
  for (let round = 1; round <= 2; round++) {
    await exchange(client, started.endpoint, round);
    while (started.relay.clients.expired < round) await nextTurn();
    assertEquals(started.relay.clients, { now: 0, total: round, evicted: 0, expired: round });
  }
});

Deno.test("DatagramRelay keeps a client that only receives (fault 5)", async () => {
  await using target = await bind(ANY);
  await using started = await startRelay(target.endpoint, { idleTimeout: 300 });
  await using client = await bind(ANY);
  await client.send(Uint8Array.of(0), started.endpoint);
  const from = (await target.receive(WITHIN))?.from;
  for (let byte = 1; byte <= 8; byte++) {
    await delay(60);
    if (from) await target.send(Uint8Array.of(byte), from);
    assertEquals(await receiveByte(client), byte);
  }
  assertObjectMatch(started.relay.clients, { total: 1, expired: 0 });
});

Deno.test("DatagramRelay makes do with the file descriptors that there are (fault 5)", async () => {
  await using echo = await startEcho();
  let left = 2;
  let failures = 0;
  await using started = await startRelay(echo.endpoint, {
    open: async () => {
      if (left === 0 && ++failures > 0) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
      left--;
      const socket = await bindSender(echo.endpoint, undefined, {});
      const close = socket.close.bind(socket);
      socket.close = () => {
        left++;
        close();
      };
      return socket;
    },
  });
  await using owner = new AsyncDisposableStack();
  for (let count = 1; count <= 5; count++) {
    await exchange(owner.use(await bind(ANY)), started.endpoint, count);
    assertObjectMatch(started.relay.clients, { now: Math.min(count, 2), evicted: Math.max(0, count - 2) });
  }
  // The limit that the first failure showed is kept to.
  assertEquals(failures, 1);
});

Deno.test("DatagramRelay survives a socket that cannot be opened, and counts the datagram (fault 5)", async () => {
  await using echo = await startEcho();
  let tries = 0;
  const logged: unknown[] = [];
  const warning = (...line: unknown[]) => void logged.push(line);
  await using started = await startRelay(echo.endpoint, {
    log: Object.assign(Object.create(Logger.prototype), { info() {}, debug() {}, warning }),
    open: () => ++tries === 1 ? Promise.reject(new Error("no")) : bindSender(echo.endpoint, undefined, {}),
  });
  await using client = await bind(ANY);
  await client.send(Uint8Array.of(1), started.endpoint);
  while (started.relay.forward.dropped.size === 0) await nextTurn();
  assertEquals([...started.relay.forward.dropped], [["no socket", 1]]);
  const key = formatEndpoint(client.endpoint);
  assertEquals(logged, [["cannot open a socket to the target", { client: key, error: "no" }]]);
  await exchange(client, started.endpoint, 2);
});

Deno.test("DatagramRelay drops a datagram with its own address, whose reply would come back without end", async () => {
  const { socket: front, transport } = fakeDatagramSocket();
  await using target = await bind(ANY);
  await using started = await startRelay(target.endpoint, { front });
  transport.deliver("forged", { transport: "udp", hostname: "192.0.2.1", port: 5_000 });
  transport.deliver("x");
  assertEquals(await receiveByte(target), "x".charCodeAt(0));
  assertEquals([...started.relay.forward.dropped], [["own address", 1]]);
});

Deno.test("DatagramRelay drops and counts datagrams that are not from the target (fault 26)", async () => {
  await using target = await bind(ANY);
  await using started = await startRelay(target.endpoint);
  await using client = await bind(ANY);
  await using stranger = await bind(ANY);
  await client.send(Uint8Array.of(1), started.endpoint);
  const from = (await target.receive(WITHIN))?.from;
  const [upstream] = started.upstream;
  assertEquals(from, upstream);
  if (!from) return;
  await stranger.send(Uint8Array.of(6), from);
  await stranger.send(Uint8Array.of(6), from);
  await target.send(Uint8Array.of(7), from);
  assertEquals(await receiveByte(client), 7);
  assertEquals([...started.relay.backward.dropped], [["unexpected sender", 2]]);
});

Deno.test("DatagramRelay drops truncated datagrams in both directions, and counts them (abuse 42)", async () => {
  await using target = await bind(ANY);
  await using started = await startRelay(target.endpoint, {}, 4);
  await using client = await bind(ANY);
  await client.send(new Uint8Array(5).fill(5), started.endpoint);
  await client.send(new Uint8Array(4).fill(4), started.endpoint);
  const received = await target.receive(WITHIN);
  assertEquals(received?.data, new Uint8Array(4).fill(4));
  if (!received?.from) return;
  await target.send(new Uint8Array(5).fill(6), received.from);
  await target.send(new Uint8Array(4).fill(7), received.from);
  assertEquals((await client.receive(WITHIN))?.data, new Uint8Array(4).fill(7));
  assertEquals([...started.relay.forward.dropped, ...started.relay.backward.dropped], [
    ["truncated", 1],
    ["truncated", 1],
  ]);
});

/** What arrives, by client, when three clients send 30 datagrams each; their turns follow `order`. */
async function throughImpairedRelay(order: readonly number[]): Promise<number[][]> {
  const toTarget = new Impairments([new Impairment({ drop: 0.4, seed: 7 })]);
  await using target = await bind(ANY);
  await using started = await startRelay(target.endpoint, { toTarget });
  await using one = await bind(ANY);
  await using two = await bind(ANY);
  await using three = await bind(ANY);
  const clients = [one, two, three];
  const unsent = clients.map(() => Array.from({ length: 30 }, (_, number) => number));
  const sendNext = async (client: number) => {
    const number = unsent[client]?.shift();
    if (number !== undefined) await clients[client]?.send(Uint8Array.of(client, number), started.endpoint);
  };
  // The clients arrive in the same order.
  for (const client of [0, 1, 2]) await sendNext(client);
  while (unsent.flat().length > 0) for (const client of order) await sendNext(client);
  while (started.relay.forward.received < 90) await nextTurn();
  const arrived: number[][] = [[], [], []];
  for (let left = toTarget.counts.passed; left > 0; left--) {
    const [client = 0, number = 0] = (await target.receive(WITHIN))?.data ?? [];
    arrived[client]?.push(number);
  }
  return arrived;
}

Deno.test("DatagramRelay drops the same datagrams of each client whatever the others send (fault 42)", async () => {
  const first = await throughImpairedRelay([0, 1, 2]);
  assertEquals(await throughImpairedRelay([2, 2, 0, 1]), first);
  assertEquals(await throughImpairedRelay([1, 0, 0, 0, 2]), first);
  assertNotEquals(first[0], first[1]);
});

Deno.test("DatagramRelay bounds its clients and ends promptly under a flood from many addresses (abuse 44)", async () => {
  await using target = await bind(ANY);
  await using started = await startRelay(target.endpoint, { maxClients: 50 });
  await using owner = new AsyncDisposableStack();
  for (let sender = 1; sender <= 300; sender++) {
    const client = owner.use(await bind(ANY, { maxBytes: 64 }));
    for (let count = 0; count < 3; count++) await client.send(Uint8Array.of(count), started.endpoint);
    assert(started.relay.clients.now <= 50);
  }
  while (started.relay.clients.total < 300) await nextTurn();
  assertObjectMatch(started.relay.clients, { now: 50, total: 300, evicted: 250 });
  const endedMs = performance.now();
  await started[Symbol.asyncDispose]();
  assert(performance.now() - endedMs < 2_000);
  assertEquals(started.relay.clients.now, 0);
});

Deno.test("DatagramRelay drops and counts what exceeds the rate of an address (abuse 44)", async () => {
  await using target = await bind(ANY);
  const gate = new DatagramGate({ perSecond: 5, limitsLoopback: true, now: () => 0 });
  await using started = await startRelay(target.endpoint, { gate });
  await using client = await bind(ANY);
  for (let count = 0; count < 20; count++) await client.send(Uint8Array.of(count), started.endpoint);
  while (started.relay.forward.received < 20) await nextTurn();
  assertEquals([...started.relay.forward.dropped], [["rate", 15]]);
  for (let count = 0; count < 5; count++) assertEquals(await receiveByte(target), count);
});

Deno.test("DatagramRelay bounds the datagrams that wait for a socket (MAX_WAITING), and takes as many again (fault 5)", async () => {
  const front = fakeDatagramSocket();
  const sent: number[] = [];
  let gate = Promise.withResolvers<void>();
  await using started = await startRelay(FAKE_TARGET, {
    front: front.socket,
    open: async () => {
      await gate.promise;
      const upstream = sent.push(0) - 1;
      return fakeDatagramSocket(() => sent[upstream] = (sent[upstream] ?? 0) + 1).socket;
    },
  });
  const { forward } = started.relay;
  const deliver = (port: number) => front.transport.deliver("x", { transport: "udp", hostname: "192.0.2.1", port });
  for (const [round, client] of [1, 2].entries()) {
    for (let count = 0; count < 10_000; count++) deliver(client);
    while (forward.received < (round + 1) * 10_001 - 1) await nextTurn();
    assertEquals(forward.dropped.get("backlog") ?? 0, round);
    deliver(client);
    while (forward.received < (round + 1) * 10_001) await nextTurn();
    assertEquals(forward.dropped.get("backlog"), round + 1);
    gate.resolve();
    while (forward.sent < (round + 1) * 10_000) await nextTurn();
    gate = Promise.withResolvers();
  }
  assertEquals(sent, [10_000, 10_000]);
  gate.resolve();
});

Deno.test("DatagramRelay bounds the bytes that wait for a socket to 16 MiB (MAX_WAITING_BYTES)", async () => {
  const gate = Promise.withResolvers<void>();
  const front = fakeDatagramSocket(undefined, undefined, 2 ** 15);
  await using started = await startRelay(FAKE_TARGET, {
    front: front.socket,
    open: async () => {
      await gate.promise;
      return fakeDatagramSocket().socket;
    },
  });
  const { forward } = started.relay;
  const give = async (bytes: number, received: number) => {
    front.transport.deliver(new Uint8Array(bytes));
    while (forward.received < received) await nextTurn();
  };
  for (let count = 1; count <= 512; count++) await give(2 ** 15, count);
  assertEquals(forward.dropped.size, 0);
  await give(1, 513);
  assertEquals([...forward.dropped], [["backlog", 1]]);
  gate.resolve();
  while (forward.sent < 512) await nextTurn();
  await give(2 ** 15, 514);
  while (forward.sent < 513) await nextTurn();
  assertEquals([...forward.dropped], [["backlog", 1]]);
});

Deno.test("DatagramRelay waits 200 ms for the last replies after as many datagrams as it was asked for (LAST_REPLIES_MS)", async () => {
  using time = new FakeTime();
  const front = fakeDatagramSocket();
  const up = fakeDatagramSocket();
  const started = await startRelay(FAKE_TARGET, {
    front: front.socket,
    open: () => Promise.resolve(up.socket),
    maxDatagrams: 1,
  });
  let isDone = false;
  void started.running.then(() => isDone = true);
  front.transport.deliver("x");
  await time.advance(150);
  up.transport.deliver("reply");
  await time.advance(40);
  assertEquals([isDone, started.relay.backward.sent], [false, 1]);
  await time.advance(20);
  assertEquals(isDone, true);
  await started[Symbol.asyncDispose]();
});
