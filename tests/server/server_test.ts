import { assertEquals } from "@std/assert";
import { connect, type Connection, listen, Logger, parseFraming, readExactly } from "@parley/parley";
import { Server, type ServerOptions } from "../../src/server/server.ts";
import type { Session } from "../../src/session/session.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { withinTime } from "../support/give_back.ts";
import { WebSocketPeer } from "../support/websocket_peer.ts";
import { serveWebSocket } from "../support/websocket_server.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A running server on a free port; stopped and awaited when it is disposed of. */
async function serve(handle: (session: Session) => Promise<void>, options: Partial<ServerOptions> = {}) {
  const { listeners: [listener = await listen("tcp://127.0.0.1:0")] = [] } = options;
  const stop = new AbortController();
  const server = new Server({
    service: { serve: handle },
    listeners: [listener],
    codec: parseFraming("line"),
    log: Logger.of("test"),
    drainTimeoutMs: 60_000,
    ...options,
  });
  const running = server.run(stop.signal);
  return {
    server,
    running,
    stop: () => stop.abort(),
    dial: () => connect(listener.endpoint),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function echo(session: Session): Promise<void> {
  for (let batch = await session.receive(); batch; batch = await session.receive()) {
    for (const { data } of batch) session.send(data);
  }
}

async function readText(connection: Connection): Promise<string> {
  let text = "";
  for (let bytes = await connection.read(); bytes; bytes = await connection.read()) {
    text += new TextDecoder().decode(bytes);
  }
  return text;
}

Deno.test("run() serves every client, and returns once it is stopped and all clients have disconnected", async () => {
  await using running = await serve(echo);
  await using first = await running.dial();
  await using second = await running.dial();
  await first.write(encode("one\n"));
  await second.write(encode("two\n"));
  assertEquals(await readExactly(first, 4), encode("one\n"));
  assertEquals(await readExactly(second, 4), encode("two\n"));
  assertEquals(running.server.sessionCount, 2);
  running.stop();
  assertEquals([await first.read(), await second.read()], [null, null]);
  first.close();
  second.close();
  await running.running;
  assertEquals(running.server.sessionCount, 0);
});

Deno.test("run() closes a client whose service throws, and serves the others", async () => {
  await using running = await serve(async (session) => {
    const batch = await session.receive();
    if (new TextDecoder().decode(batch?.[0]?.data) === "fail") throw new Error("a bug");
    session.send("fine");
  });
  await using bad = await running.dial();
  await using good = await running.dial();
  await bad.write(encode("fail\n"));
  assertEquals(await readText(bad), "");
  await good.write(encode("go\n"));
  assertEquals(await readText(good), "fine\n");
});

Deno.test("run() answers an invalid message, and closes the connection only if the stream cannot continue", async () => {
  await using running = await serve(echo);
  await using client = await running.dial();
  await client.write(encode(`${"x".repeat(5_000)}\nstill here\n${"y".repeat(20_000)}`));
  const text = await readText(client);
  assertEquals(text.split("\n"), [
    "! The line is longer than 4096 bytes and was dropped",
    "still here",
    "! The line is longer than 4096 bytes and was dropped",
    "! More than 16384 bytes without a delimiter were received",
    "",
  ]);
});

Deno.test("run() serves the messages before a bad message in the same read", async () => {
  await using running = await serve(echo, { codec: parseFraming("length:2be", { maxBytes: 100 }) });
  await using client = await running.dial();
  await client.write(Uint8Array.of(0, 1, 65, 0, 2, 66, 67, 255, 255));
  assertEquals(await readExactly(client, 7), Uint8Array.of(0, 1, 65, 0, 2, 66, 67));
  assertEquals(await client.read(), null);
});

Deno.test("run() returns after maxAccepts clients, served to their end", async () => {
  await using running = await serve(echo, { maxAccepts: 1 });
  await using client = await running.dial();
  await client.write(encode("one\n"));
  assertEquals(await readExactly(client, 4), encode("one\n"));
  await client.closeWrite();
  assertEquals(await client.read(), null);
  client.close();
  await running.running;
});

Deno.test("run() closes remaining connections at the end of the drain", async () => {
  const forever = Promise.withResolvers<void>();
  await using running = await serve(() => forever.promise, { drainTimeoutMs: 20 });
  await using client = await running.dial();
  while (running.server.sessionCount === 0) await new Promise((done) => setTimeout(done, 1));
  running.stop();
  assertEquals(await withinTime(readText(client).catch(() => ""), "the end"), "");
  forever.resolve();
  await running.running;
});

Deno.test("run() disposes of the service at the end", async () => {
  let disposed = 0;
  const service = { serve: echo, [Symbol.asyncDispose]: () => Promise.resolve(void disposed++) };
  await using running = await serve(echo, { service });
  running.stop();
  await running.running;
  assertEquals(disposed, 1);
});

Deno.test("run() counts a client with an invalid message until it has read the reason and left", async () => {
  await using running = await serve(echo, { codec: parseFraming("length:1", { maxBytes: 10 }) });
  await using client = await running.dial();
  await client.write(Uint8Array.of(11));
  assertEquals(await withinTime(readText(client), "the end"), "");
  // It was notified, and has not ended its side yet.
  assertEquals(running.server.sessionCount, 1);
  client.close();
  running.stop();
  await withinTime(running.running, "the end");
  assertEquals(running.server.stats.closedByReason.get("bad message"), 1);
});

Deno.test("run() counts accepted, rejected and disconnected clients by reason", async () => {
  let isDenying = true;
  const gate = { enter: () => isDenying ? { reason: "denied", text: "not you" } as const : undefined };
  await using running = await serve(echo, { gate, codec: parseFraming("line") });
  {
    await using refused = await running.dial();
    assertEquals(await withinTime(readText(refused), "the refusal"), "! not you\n");
  }
  isDenying = false;
  {
    await using client = await running.dial();
    await client.write(encode("one\n"));
    assertEquals(await readExactly(client, 4), encode("one\n"));
    const { accepted, open } = running.server.stats;
    assertEquals([accepted, open.size, running.server.sessionCount], [2, 1, 1]);
    await client.closeWrite();
    assertEquals(await client.read(), null);
  }
  running.stop();
  await withinTime(running.running, "the end");
  const { open, closedByReason, isEnding } = running.server.stats;
  assertEquals([open.size, [...closedByReason], isEnding], [0, [["denied", 1], ["done", 1]], true]);
});

Deno.test("run() sends a rejection in framings that can distinguish it from data, and nothing in others", async () => {
  const gate = { enter: () => ({ reason: "limit", text: "too many" }) as const };
  await using running = await serve(echo, { gate, codec: parseFraming("length:1") });
  await using refused = await running.dial();
  assertEquals(await withinTime(readText(refused), "the refusal"), "");
});

Deno.test("run() with an aborted signal serves no client, and disposes of the service", async () => {
  let disposed = 0;
  const listener = await listen("tcp://127.0.0.1:0");
  const server = new Server({
    service: { serve: echo, [Symbol.asyncDispose]: () => Promise.resolve(void disposed++) },
    listeners: [listener],
    codec: parseFraming("line"),
    log: Logger.of("test"),
    drainTimeoutMs: 60_000,
  });
  await withinTime(server.run(AbortSignal.abort()), "the end");
  assertEquals([disposed, listener.isClosed, server.stats.accepted], [1, true, 0]);
});

Deno.test("a signal drains the clients of a server that serves a number of them", async () => {
  await using running = await serve(echo, { maxAccepts: 1, drainTimeoutMs: 60_000 });
  await using client = await running.dial();
  await client.write(encode("one\n"));
  assertEquals(await readExactly(client, 4), encode("one\n"));
  running.stop();
  assertEquals(await withinTime(client.read(), "the drain"), null);
  client.close();
  await withinTime(running.running, "the end");
});

Deno.test("run() does not drain the sessions of a service that drains them itself", async () => {
  const drained = Promise.withResolvers<void>();
  const service = {
    async serve(session: Session) {
      await drained.promise;
      session.send("goodbye", true);
    },
    drain() {
      drained.resolve();
      return true;
    },
  };
  await using running = await serve(echo, { service });
  await using client = await running.dial();
  while (running.server.sessionCount === 0) await new Promise((done) => setTimeout(done, 1));
  running.stop();
  assertEquals(await withinTime(readText(client), "the goodbye"), "goodbye\n");
});

Deno.test("run() closes connections in a handshake when the drain begins, with the reason drain", async () => {
  let openAtEnd = -1;
  const service = { serve: echo, [Symbol.asyncDispose]: () => Promise.resolve(void (openAtEnd = stats.open.size)) };
  await using served = await serveWebSocket({ service, headTimeout: "1h", drainTimeoutMs: 3_600_000 });
  using _peer = await WebSocketPeer.dial(served.endpoint);
  const { stats } = served.server;
  while (stats.open.size === 0) await nextTurn();
  await withinTime(served.stop(), "the end");
  assertEquals([openAtEnd, stats.closedByReason.get("drain")], [0, 1], "the service ends after the last connection");
});
