import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClosedEarlyError, FrameError, TimeoutError, UpgradeError } from "../../src/base/errors.ts";
import { dial, type DialOptions } from "../../src/dial.ts";
import { upgradeFields } from "../../src/websocket/handshake.ts";
import { writeAll } from "../support/peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { frameOf, WebSocketPeer } from "../support/websocket_peer.ts";
import { serveWebSocket, serviceOf } from "../support/websocket_server.ts";

const dialWebSocket = (endpoint: string, options: DialOptions = {}) => dial(endpoint, options);

/** A server that reads a request and answers with fixed bytes, then waits for the client's end. */
function answerWith(bytes: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(4096));
    if (bytes !== "") await conn.write(new TextEncoder().encode(bytes));
    if (!bytes.includes("HTTP")) await conn.closeWrite();
    while (await conn.read(new Uint8Array(4096)).catch(() => null) !== null);
  })();
  return {
    endpoint: `ws://127.0.0.1:${listener.addr.port}/path`,
    async [Symbol.asyncDispose]() {
      await serving;
      listener.close();
    },
  };
}

Deno.test("dial() over ws reports the status and the reason when the server rejects it", async () => {
  await using served = await serveWebSocket({ path: "/chat" });
  const error = await assertRejects(
    () => dialWebSocket(served.endpoint, { origin: "https://evil.example" }),
    UpgradeError,
  );
  assertEquals(error.status, 403);
  assertEquals(
    error.message,
    `Cannot open ${served.endpoint}: the server answered 403 Forbidden: ` +
      "origin https://evil.example is not allowed (allow it with --origin)",
  );
  const missing = await assertRejects(() => dialWebSocket(served.endpoint.replace("/chat", "/other")), UpgradeError);
  assertEquals(missing.status, 404);
});

Deno.test("dial() over ws offers subprotocols and reports the chosen one", async () => {
  await using served = await serveWebSocket({
    service: serviceOf(async (session) => {
      session.send(session.subprotocol ?? "none");
      await session.receive();
    }, ["parley.v1"]),
  });
  const session = await dialWebSocket(served.endpoint, { subprotocols: ["other", "parley.v1"] });
  assertEquals(session.subprotocol, "parley.v1");
  const batch = await session.receive();
  assertEquals(new TextDecoder().decode(batch?.[0]?.data), "parley.v1");
  await session.finish();
});

/** A server that answers with these pieces, each in a read of its own, and stays. */
function answerInPieces(...pieces: string[]) {
  return scriptedPeer(async (conn) => {
    (conn as Deno.TcpConn).setNoDelay(true);
    for (const piece of pieces) {
      await writeAll(conn, piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
}

async function refusal(endpoint: string, options: DialOptions = {}): Promise<UpgradeError> {
  const ws = endpoint.replace("tcp:", "ws:");
  return await assertRejects(() => dialWebSocket(ws, { handshakeTimeout: "5s", ...options }), UpgradeError);
}

Deno.test("dial() over ws names another protocol's banner at once, from its first byte on (fault 17)", async () => {
  for (
    const [pieces, shown] of [
      [["SSH-2.0-OpenSSH_9.2\r\n"], "SSH-2.0-OpenSSH_9.2"],
      [["HTTX"], "HTTX"],
      [["220 mail.example ESMTP\r\n", "500 what\r\n"], "220 mail.example ESMTP"],
      [["H", "E", "LLO\n"], "HE"],
      [["\x00\x00\x04"], "\\0\\0\\x04"],
    ] as const
  ) {
    await using peer = answerInPieces(...pieces);
    const startMs = performance.now();
    const error = await refusal(peer.endpoint);
    assertStringIncludes(error.message, `the server does not speak HTTP: "${shown}"`);
    assertEquals(performance.now() - startMs < 2_000, true);
  }
});

Deno.test("dial() over ws shows the start of an invalid answer, not its last piece (fault 17)", async () => {
  await using peer = answerInPieces("HTTP/1.1 two hundred\r\nA: b\r\n", "\r\n");
  assertStringIncludes(
    (await refusal(peer.endpoint)).message,
    'invalid HTTP response (the status line is malformed): "HTTP/1.1 two hundred"',
  );
});

Deno.test("dial() over ws skips interim responses before 101, but not without end (fault 17)", async () => {
  const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  for (const interim of [hints, hints.repeat(10), `HTTP/1.1 100 Continue\r\n\r\n${hints}`]) {
    await using peer = scriptedPeer(async (conn) => {
      await writeAll(conn, interim);
      using websocket = await WebSocketPeer.accept(conn as Deno.TcpConn);
      await websocket.send(frameOf({ opcode: 1, payload: "hi", isMasked: false }));
      await websocket.frame();
    });
    const session = await dialWebSocket(peer.endpoint.replace("tcp:", "ws:"));
    assertEquals(new TextDecoder().decode((await session.receive())?.[0]?.data), "hi");
    await session.finish();
  }
  await using endless = answerInPieces(hints.repeat(11));
  assertStringIncludes((await refusal(endless.endpoint)).message, "more than 10 interim responses");
});

Deno.test("dial() over ws shows the body of a chunked refusal, and where a redirect leads (fault 17)", async () => {
  const chunked = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
  await using refusing = answerInPieces(chunked, "5\r\nnot f\r\n", "7;x=y\r\nor you!\r\n0\r\n\r\n");
  assertEquals((await refusal(refusing.endpoint)).message.endsWith("answered 403 Forbidden: not for you!"), true);
  await using untilClose = answerInPieces("HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\n\r\nlater");
  assertEquals((await refusal(untilClose.endpoint)).message.endsWith("answered 503 Busy: later"), true);
  await using moved = answerInPieces(
    "HTTP/1.1 301 Moved Permanently\r\nLocation: https://b.example/\r\nContent-Length: 0\r\n\r\n",
  );
  assertEquals(
    (await refusal(moved.endpoint)).message.endsWith("answered 301 Moved Permanently to https://b.example/"),
    true,
  );
});

Deno.test("dial() over ws names an empty Sec-WebSocket-Protocol (fault 17)", async () => {
  await using peer = scriptedPeer(async (conn) => {
    const buffer = new Uint8Array(4096);
    const request = new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
    const key = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request)?.[1] ?? "";
    const fields = Object.entries(await upgradeFields(key, { subprotocol: "" })).map(([name, value]) =>
      `${name}: ${value}\r\n`
    );
    await writeAll(conn, `HTTP/1.1 101 Switching Protocols\r\n${fields.join("")}\r\n`);
  });
  assertStringIncludes((await refusal(peer.endpoint)).message, "its Sec-WebSocket-Protocol field is empty");
});

Deno.test("dial() over ws fails when the server answers 101 with a wrong Sec-WebSocket-Accept", async () => {
  await using peer = answerWith(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
  );
  const error = await assertRejects(() => dialWebSocket(peer.endpoint), UpgradeError);
  assertStringIncludes(error.message, "its Sec-WebSocket-Accept is wrong");
});

Deno.test("dial() over ws times out when the handshake is not answered", async () => {
  await using peer = answerWith("HTTP/1.1 101");
  const error = await assertRejects(() => dialWebSocket(peer.endpoint, { handshakeTimeout: 50 }), TimeoutError);
  assertEquals(error.phase, "handshake");
});

Deno.test("dial() over ws: receive() throws ClosedEarlyError when the stream ends without a Close", async () => {
  await using served = await serveWebSocket({
    service: serviceOf((session) => {
      session.close("error");
      return Promise.resolve();
    }),
  });
  const session = await dialWebSocket(served.endpoint);
  await assertRejects(() => session.receive(), ClosedEarlyError, "without a Close frame");
  session.close("done");
});

Deno.test("dial() over ws: a message over the limit closes with 1009 on the other side", async () => {
  const end = Promise.withResolvers<number | undefined>();
  await using served = await serveWebSocket({
    service: serviceOf(async (session) => {
      session.send("x".repeat(200));
      await session.receive();
      end.resolve(session.closeFrame?.code);
    }),
  });
  const session = await dialWebSocket(served.endpoint, { maxMessage: 100 });
  const message = `Cannot read from ${served.endpoint}: Max payload size exceeded`;
  await assertRejects(() => session.receive(), FrameError, message);
  await session.finish("bad message");
  assertEquals(await end.promise, 1009);
});

Deno.test("dial() over ws: receive() with a deadline loses nothing", async () => {
  await using served = await serveWebSocket();
  const session = await dialWebSocket(served.endpoint);
  await assertRejects(() => session.receive({ timeout: 20 }), TimeoutError);
  session.send("late");
  assertEquals(new TextDecoder().decode((await session.receive())?.[0]?.data), "late");
  await session.finish();
});

Deno.test("dial() over ws rejects subprotocols that are no tokens or repeated, and an empty origin (fault 16)", async () => {
  await using served = await serveWebSocket();
  for (const subprotocols of [[""], ["a b"], ["a,b"], ["a", "a"], ["a\r\nX: y"]]) {
    await assertRejects(() => dialWebSocket(served.endpoint, { subprotocols }), RangeError, "unique token");
  }
  await assertRejects(() => dialWebSocket(served.endpoint, { origin: "" }), RangeError, "must not be empty");
});
