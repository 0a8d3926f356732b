import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "../../src/base/errors.ts";
import type { Session } from "../../src/session/session.ts";
import { MAX_TIMER_MS } from "../../src/net/wait.ts";
import { loadWebSocketCodec } from "../../src/websocket/codec.ts";
import { WebSocketSession } from "../../src/websocket/session.ts";
import { FakeTime } from "../support/fake_time.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { closeFrameOf, codeOf, frameOf, joined, WebSocketPeer } from "../support/websocket_peer.ts";
import { serveWebSocket, serviceOf } from "../support/websocket_server.ts";

/** A server whose service passes its session to the test, and ends when the test does. */
async function serveOne(options: Parameters<typeof serveWebSocket>[0] = {}) {
  const arrived = Promise.withResolvers<Session>();
  const done = Promise.withResolvers<void>();
  const served = await serveWebSocket({
    ...options,
    service: serviceOf((session) => {
      arrived.resolve(session);
      return done.promise;
    }),
  });
  const peer = await WebSocketPeer.open(served.endpoint);
  return {
    session: await arrived.promise,
    peer,
    end: () => done.resolve(),
    async [Symbol.asyncDispose]() {
      done.resolve();
      peer[Symbol.dispose]();
      await served[Symbol.asyncDispose]();
    },
  };
}

const textsOf = (batch: Awaited<ReturnType<Session["receive"]>>) =>
  (batch ?? []).map(({ data }) => new TextDecoder().decode(data));

Deno.test("WebSocketSession.receive() returns every message of one read at once", async () => {
  await using one = await serveOne();
  await one.peer.send(joined(["a", "b", "c"].map((payload) => frameOf({ opcode: 1, payload }))));
  assertEquals(textsOf(await one.session.receive()), ["a", "b", "c"]);
});

Deno.test("WebSocketSession.receive() returns the same message when it arrives byte by byte", async () => {
  await using one = await serveOne();
  const text = "grüße ".repeat(50);
  const receiving = one.session.receive();
  for (const byte of frameOf({ opcode: 1, payload: text })) await one.peer.send(Uint8Array.of(byte));
  assertEquals(textsOf(await receiving), [text]);
});

Deno.test("WebSocketSession.receive() joins fragments, and answers a ping between them at once", async () => {
  await using one = await serveOne();
  const receiving = one.session.receive();
  await one.peer.send(joined([
    frameOf({ opcode: 1, payload: Uint8Array.of(0x61, 0xc3), fin: false }),
    frameOf({ opcode: 9, payload: "are you there" }),
  ]));
  const pong = await one.peer.frame();
  assertEquals([pong?.opcode, new TextDecoder().decode(pong?.payload)], [10, "are you there"]);
  await one.peer.send(frameOf({ opcode: 0, payload: Uint8Array.of(0xa4) }));
  const batch = await receiving;
  assertEquals(textsOf(batch), ["aä"]);
  assertEquals(batch?.[0]?.isText, true);
});

Deno.test("WebSocketSession.receive() takes a message at the limit, whole or in fragments", async () => {
  await using one = await serveOne({ maxMessageBytes: 1_000 });
  await one.peer.send(frameOf({ opcode: 2, payload: new Uint8Array(1_000) }));
  assertEquals((await one.session.receive())?.[0]?.data.length, 1_000);
  await one.peer.send(joined([
    frameOf({ opcode: 2, payload: new Uint8Array(600), fin: false }),
    frameOf({ opcode: 0, payload: new Uint8Array(400) }),
  ]));
  assertEquals((await one.session.receive())?.[0]?.data.length, 1_000);
});

Deno.test("WebSocketSession.receive() with a deadline loses nothing of a message that has begun", async () => {
  await using one = await serveOne();
  const frame = frameOf({ opcode: 1, payload: "in two pieces" });
  await one.peer.send(frame.subarray(0, 7));
  await assertRejects(() => one.session.receive({ timeout: 30 }), TimeoutError);
  await one.peer.send(frame.subarray(7));
  assertEquals(textsOf(await one.session.receive()), ["in two pieces"]);
});

Deno.test("WebSocketSession.send() keeps the order of texts, bytes, broadcasts and writes", async () => {
  await using one = await serveOne();
  const { session, peer } = one;
  session.send("1");
  session.sendFramed(session.framer.frame(new TextEncoder().encode("2"), true));
  session.send(Uint8Array.of(0x33), false);
  await session.write(new TextEncoder().encode("4"), true);
  const frames = [await peer.frame(), await peer.frame(), await peer.frame(), await peer.frame()];
  assertEquals(frames.map((frame) => new TextDecoder().decode(frame?.payload)), ["1", "2", "3", "4"]);
  assertEquals(frames.map((frame) => frame?.opcode), [1, 1, 2, 1]);
});

Deno.test("WebSocketSession encodes lengths of 125, 126, 65,535 and 65,536 bytes as RFC 6455 requires", async () => {
  await using one = await serveOne();
  for (const length of [0, 125, 126, 65_535, 65_536]) {
    await one.session.write(new Uint8Array(length).fill(7));
    assertEquals((await one.peer.frame())?.payload.length, length);
  }
});

Deno.test("WebSocketSession.drain() sends 1001 to a waiting client, and receive() returns null", async () => {
  await using one = await serveOne();
  const receiving = one.session.receive();
  one.session.drain();
  const frame = await one.peer.frame();
  assertEquals(frame && [frame.opcode, codeOf(frame)], [8, 1001]);
  assertEquals(one.session.send("too late"), false);
  await one.peer.send(joined([frameOf({ opcode: 1, payload: "too late" }), closeFrameOf(1001)]));
  assertEquals(await receiving, null);
  one.end();
  assert(await one.peer.ended());
});

Deno.test("WebSocketSession sends what was queued before its Close", async () => {
  await using one = await serveOne();
  one.session.send("last words");
  one.end();
  assertEquals(await one.peer.textMessage(), "last words");
  const frame = await one.peer.frame();
  assertEquals(frame && codeOf(frame), 1000);
});

Deno.test("WebSocketSession.send() rejects messages that exceed the outbox, and the client stays connected (fault 3)", async () => {
  await using one = await serveOne();
  const { session } = one;
  const piece = new Uint8Array(64 * 1024);
  let sent = 0;
  while (session.send(piece, false) && sent++ < 1_000) await Promise.resolve();
  assert(sent < 1_000, "the outbox has a limit");
  assertEquals([session.closeReason, session.isWritable], [undefined, true]);
});

Deno.test("WebSocketSession.closeFrame has code and text of the client's Close", async () => {
  await using one = await serveOne();
  await one.peer.send(closeFrameOf(3001, "tea time"));
  assertEquals(await one.session.receive(), null);
  assertEquals(one.session.closeFrame, { code: 3001, text: "tea time" });
});

Deno.test("WebSocketSession cuts a client off that does not answer its Close for 2 s (CLOSE_TIMEOUT_MS), and not earlier", async () => {
  await using one = await serveOne();
  const receiving = one.session.receive();
  using time = new FakeTime();
  one.session.drain();
  await time.advance(1_990);
  assertEquals(one.session.closeReason, undefined);
  await time.advance(20);
  assertEquals(one.session.closeReason, "drain");
  assertEquals(await receiving, null);
  assertEquals((await one.peer.frame())?.opcode, 8);
});

Deno.test("finish() waits for the Close frame also for longer than a timer of the runtime (MAX_TIMER_MS)", async () => {
  const codec = await loadWebSocketCodec("server");
  using time = new FakeTime();
  const { connection } = fakeConnection();
  const session = new WebSocketSession(connection, { codec });
  const finished = session.finish("done", { timeout: MAX_TIMER_MS + 1_000 });
  await time.advance(MAX_TIMER_MS + 999);
  assertEquals(session.closeReason, undefined);
  await time.advance(1);
  assertEquals(session.closeReason, "done");
  await finished;
});
