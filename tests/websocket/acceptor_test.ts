import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { HttpRoutes } from "../../src/http/router.ts";
import { setLogTarget } from "../../src/log/logger.ts";
import { upgradeRequest, WebSocketPeer } from "../support/websocket_peer.ts";
import { serveWebSocket } from "../support/websocket_server.ts";

const ROUTES: HttpRoutes = {
  "GET /page": { contentType: "text/html; charset=utf-8", body: "<p>hello</p>", fields: { "X-Page": "1" } },
  "GET /made": ({ query }) => Promise.resolve({ contentType: "text/plain", body: `asked ${query}`, status: 503 }),
};

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

Deno.test("WebSocketAcceptor answers GET with the route's content, and keeps the connection", async () => {
  await using served = await serveWebSocket({ routes: ROUTES });
  using peer = await WebSocketPeer.dial(served.endpoint);
  await peer.send(get("/page"));
  const answer = await peer.answer();
  assertEquals([answer.status, answer.body], [200, "<p>hello</p>"]);
  assertEquals(answer.fields.get("content-type"), "text/html; charset=utf-8");
  assertEquals(answer.fields.get("x-page"), "1");
  assertEquals(answer.fields.get("x-content-type-options"), "nosniff");
  assertEquals(answer.fields.get("connection"), "keep-alive");
  assertMatch(answer.fields.get("date") ?? "", /GMT$/);
  await peer.send(get("/made?now"));
  const made = await peer.answer();
  assertEquals([made.status, made.body], [503, "asked now"]);
});

Deno.test("WebSocketAcceptor answers pipelined requests in order, then upgrades", async () => {
  await using served = await serveWebSocket({ routes: ROUTES });
  using peer = await WebSocketPeer.dial(served.endpoint);
  await peer.send(get("/made?1") + get("/made?2") + upgradeRequest("a"));
  assertEquals((await peer.answer()).body, "asked 1");
  assertEquals((await peer.answer()).body, "asked 2");
  assertEquals((await peer.answer()).status, 101);
  await peer.text("hello");
  assertEquals(await peer.textMessage(), "hello");
});

Deno.test("WebSocketAcceptor answers HEAD with the fields of GET and no body", async () => {
  await using served = await serveWebSocket({ routes: ROUTES });
  using peer = await WebSocketPeer.dial(served.endpoint);
  await peer.send(get("/page", "Connection: close\r\n").replace("GET", "HEAD"));
  const answer = await peer.answer(true);
  assertEquals([answer.status, answer.fields.get("content-length")], [200, "12"]);
  assertEquals(answer.fields.get("connection"), "close");
  assert(await peer.ended());
});

const REFUSED: readonly [string, number, string][] = [
  ["a path where nothing is", 404, get("/nothing")],
  ["a path that is a property of every object", 404, get("/constructor")],
  ["a POST to a page", 405, "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"],
  ["a GET where WebSocket is spoken", 426, get("/")],
];

Deno.test("WebSocketAcceptor rejects requests that it cannot answer, and closes the connection", async (t) => {
  await using served = await serveWebSocket({ routes: ROUTES });
  for (const [what, status, request] of REFUSED) {
    await t.step(`${status} to ${what}`, async () => {
      using peer = await WebSocketPeer.dial(served.endpoint);
      await peer.send(request);
      const answer = await peer.answer();
      assertEquals(answer.status, status);
      assertStringIncludes(answer.body, String(status));
      if (status === 405) assertEquals(answer.fields.get("allow"), "GET, HEAD");
      if (status === 426) assertEquals(answer.fields.get("upgrade"), "websocket");
      assert(await peer.ended());
    });
  }
});

Deno.test("WebSocketAcceptor logs a rejected page at info: a browser does not show the page why", async () => {
  const lines: unknown[] = [];
  setLogTarget({
    isEnabled: (level) => level === "info",
    write: ({ level, text, fields: { error } }) => void lines.push([level, text, error]),
  });
  await using served = await serveWebSocket();
  lines.length = 0;
  using peer = await WebSocketPeer.dial(served.endpoint);
  await peer.send(upgradeRequest("a", { fields: { Origin: "null" } }));
  assertEquals((await peer.answer()).status, 403);
  assertEquals(lines, [["info", "page rejected", "origin null is not allowed (allow it with --origin)"]]);
  setLogTarget({ isEnabled: () => false, write() {} });
});

Deno.test("WebSocketAcceptor does not read on after a request with a body", async () => {
  await using served = await serveWebSocket({ routes: ROUTES });
  using peer = await WebSocketPeer.dial(served.endpoint);
  // What follows the head is a body, and must not be taken for a request.
  await peer.send(get("/page", "Content-Length: 60\r\n") + get("/made?smuggled"));
  assertEquals((await peer.answer()).fields.get("connection"), "close");
  assert(await peer.ended());
});

Deno.test("WebSocketAcceptor closes a connection silently when no further request arrives", async () => {
  await using served = await serveWebSocket({ routes: ROUTES, headTimeout: 50 });
  using peer = await WebSocketPeer.dial(served.endpoint);
  await peer.send(get("/page"));
  assertEquals((await peer.answer()).status, 200);
  assert(await peer.ended());
});

Deno.test("WebSocketAcceptor upgrades at the endpoint's path only, where it has one", async () => {
  await using served = await serveWebSocket({ path: "/chat" });
  using elsewhere = await WebSocketPeer.dial(served.endpoint);
  await elsewhere.send(upgradeRequest("a"));
  assertEquals((await elsewhere.answer()).status, 404);
  using there = await WebSocketPeer.dial(served.endpoint);
  await there.send(upgradeRequest("a", { line: "GET /chat?token=1 HTTP/1.1" }));
  assertEquals((await there.answer()).status, 101);
});

Deno.test("WebSocketAcceptor closes connections without a session when the server ends", async () => {
  await using served = await serveWebSocket({ routes: ROUTES });
  using peer = await WebSocketPeer.dial(served.endpoint);
  await peer.send(get("/page"));
  await peer.answer();
  await served.stop();
  assert(await peer.ended());
});

Deno.test("a WebSocket client that a gate rejects receives the reason over HTTP (fault 9)", async () => {
  const cases = [
    [{ reason: "denied" }, 403, "403 Forbidden: connections from this address are not allowed\n"],
    [{ reason: "limit", text: "too many" }, 503, "503 Service Unavailable: too many\n"],
  ] as const;
  for (const [refusal, status, body] of cases) {
    await using served = await serveWebSocket({ gate: { enter: () => refusal } });
    using peer = await WebSocketPeer.dial(served.endpoint);
    await peer.send(upgradeRequest("a"));
    const answer = await peer.answer();
    assertEquals([answer.status, answer.body], [status, body]);
    assert(await peer.ended());
    using mute = await WebSocketPeer.dial(served.endpoint);
    assertEquals((await mute.answer()).status, status);
    await served.stop();
    assertEquals(served.server.sessionCount, 0);
  }
});

Deno.test("a server answers at most 32 rejected clients at once, and frees their places (fault 9)", async () => {
  await using served = await serveWebSocket({ gate: { enter: () => ({ reason: "denied" }) } });
  const peers = await Promise.all(Array.from({ length: 33 }, () => WebSocketPeer.dial(served.endpoint)));
  const told = await Promise.all(peers.map((peer) => peer.answer().then(() => true, () => false)));
  assertEquals(told.filter(Boolean).length, 32);
  for (const peer of peers) peer[Symbol.dispose]();
  // A place is free once the server has seen the end of its client.
  for (let isFree = false; !isFree;) {
    using peer = await WebSocketPeer.dial(served.endpoint);
    isFree = await peer.answer().then(() => true, () => false);
  }
});
