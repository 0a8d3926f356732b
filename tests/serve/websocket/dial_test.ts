import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClosedEarlyError, FrameError, TimeoutError, UpgradeError } from "../../../src/base/errors.ts";
import { parseFraming } from "../../../src/framing/mod.ts";
import { type DialOptions, dialSession } from "../../../src/serve/dial_session.ts";
import { serveWebSocket, serviceOf } from "../../support/websocket_server.ts";

const dialWebSocket = (endpoint: string, options: DialOptions = {}) =>
  dialSession(endpoint, parseFraming("raw"), options);

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

Deno.test("dialSession() over ws tells the status and the reason when the server refuses", async () => {
  await using served = await serveWebSocket({ path: "/chat" });
  const error = await assertRejects(
    () => dialWebSocket(served.endpoint, { origin: "https://evil.example" }),
    UpgradeError,
  );
  assertEquals(error.status, 403);
  assertEquals(
    error.message,
    `Cannot open ${served.endpoint}: the server answered 403 Forbidden: ` +
      "pages of https://evil.example may not connect here (--origin lets them)",
  );
  const missing = await assertRejects(() => dialWebSocket(served.endpoint.replace("/chat", "/other")), UpgradeError);
  assertEquals(missing.status, 404);
});

Deno.test("dialSession() over ws offers subprotocols and says which was chosen", async () => {
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

Deno.test("dialSession() over ws fails when the server speaks no HTTP", async () => {
  await using peer = answerWith("220 mail.example ESMTP\r\n");
  const error = await assertRejects(() => dialWebSocket(peer.endpoint), ClosedEarlyError);
  assertStringIncludes(error.message, "before it answered the WebSocket handshake");
});

Deno.test("dialSession() over ws fails when the server answers 101 with a wrong Sec-WebSocket-Accept", async () => {
  await using peer = answerWith(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
  );
  const error = await assertRejects(() => dialWebSocket(peer.endpoint), UpgradeError);
  assertStringIncludes(error.message, "its Sec-WebSocket-Accept is wrong");
});

Deno.test("dialSession() over ws gives up when the handshake is not answered in time", async () => {
  await using peer = answerWith("HTTP/1.1 101");
  const error = await assertRejects(() => dialWebSocket(peer.endpoint, { handshakeTimeout: 50 }), TimeoutError);
  assertEquals(error.phase, "handshake");
});

Deno.test("dialSession() over ws: receive() throws ClosedEarlyError when the stream ends without a Close", async () => {
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

Deno.test("dialSession() over ws: a message over the limit closes with 1009 on the other side", async () => {
  const end = Promise.withResolvers<number | undefined>();
  await using served = await serveWebSocket({
    service: serviceOf(async (session) => {
      session.send("x".repeat(200));
      await session.receive();
      end.resolve(session.closeFrame?.code);
    }),
  });
  const session = await dialWebSocket(served.endpoint, { maxMessage: 100 });
  await assertRejects(() => session.receive(), FrameError, "Max payload size exceeded");
  await session.finish("bad message");
  assertEquals(await end.promise, 1009);
});

Deno.test("dialSession() over ws: receive() with a deadline loses nothing", async () => {
  await using served = await serveWebSocket();
  const session = await dialWebSocket(served.endpoint);
  await assertRejects(() => session.receive({ timeoutMs: 20 }), TimeoutError);
  session.send("late");
  assertEquals(new TextDecoder().decode((await session.receive())?.[0]?.data), "late");
  await session.finish();
});

Deno.test("dialSession() over ws rejects subprotocols that are no tokens or repeated, and an empty origin (fault 16)", async () => {
  await using served = await serveWebSocket();
  for (const subprotocols of [[""], ["a b"], ["a,b"], ["a", "a"], ["a\r\nX: y"]]) {
    await assertRejects(() => dialWebSocket(served.endpoint, { subprotocols }), RangeError, "unique token");
  }
  await assertRejects(() => dialWebSocket(served.endpoint, { origin: "" }), RangeError, "must not be empty");
});
