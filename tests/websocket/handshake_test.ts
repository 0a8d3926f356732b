import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HttpError, type HttpRequestHead, parseRequestHead } from "../../src/http/head.ts";
import { UsageError } from "@parley/parley";
import { parseOrigin } from "../../src/http/origin.ts";
import {
  acceptOf,
  checkUpgrade,
  chooseSubprotocol,
  faultOfAnswer,
  isUpgrade,
  makeKey,
  originFault,
  upgradeFields,
} from "../../src/websocket/handshake.ts";
import { upgradeRequest } from "../support/websocket_peer.ts";

function request(changes: Parameters<typeof upgradeRequest>[1] = {}): HttpRequestHead {
  return parseRequestHead(new TextEncoder().encode(upgradeRequest("chat.example:8765", changes)));
}

Deno.test("checkUpgrade() returns the key of a valid request, whatever the case of its lists", () => {
  const fields = { Upgrade: "WebSocket", Connection: "keep-alive, upgrade" };
  assertEquals(checkUpgrade(request({ fields: { ...fields, "Content-Length": "0" } })), {
    key: "dGhlIHNhbXBsZSBub25jZQ==",
  });
});

const REFUSED: readonly [string, number, Parameters<typeof upgradeRequest>[1]][] = [
  ["a POST", 405, { line: "POST / HTTP/1.1" }],
  ["HTTP/1.0", 400, { line: "GET / HTTP/1.0" }],
  ["no Upgrade", 400, { fields: { Upgrade: undefined } }],
  ["another Upgrade", 400, { fields: { Upgrade: "h2c" } }],
  ["no Connection", 400, { fields: { Connection: undefined } }],
  ["another Connection", 400, { fields: { Connection: "keep-alive" } }],
  ["no key", 400, { fields: { "Sec-WebSocket-Key": undefined } }],
  ["a key of 15 bytes", 400, { fields: { "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA" } }],
  ["a key that is no base64", 400, { fields: { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZ!==" } }],
  ["no version", 426, { fields: { "Sec-WebSocket-Version": undefined } }],
  ["a body", 400, { fields: { "Content-Length": "3" } }],
  ["a chunked body", 400, { fields: { "Transfer-Encoding": "chunked" } }],
  ["version 8", 426, { fields: { "Sec-WebSocket-Version": "8" } }],
];

for (const [what, status, changes] of REFUSED) {
  Deno.test(`checkUpgrade() answers ${status} to ${what}`, () => {
    const head = request(changes);
    assertEquals(isUpgrade(head), true);
    assertEquals(assertThrows(() => checkUpgrade(head), HttpError).status, status);
  });
}

Deno.test("isUpgrade() is false for a page's request, also when it offers another upgrade", () => {
  const fields = {
    Upgrade: "h2c",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": undefined,
    "Sec-WebSocket-Version": undefined,
  };
  assertEquals(isUpgrade(request({ fields })), false);
});

const ORIGINS: readonly [string, string | undefined, readonly string[], boolean, boolean][] = [
  ["no Origin", undefined, [], false, true],
  ["the same host over TLS", "https://CHAT.example:8765", [], true, true],
  ["another host", "https://evil.example", [], true, false],
  ["another port", "https://chat.example", [], true, false],
  ["an opaque origin", "null", [], true, false],
  ["an origin that is named", "https://evil.example", ["https://evil.example"], false, true],
  ["any origin where * is named", "null", ["*"], false, true],
  ["a foreign name of this machine (chat L5)", "http://chat.example:8765", [], false, false],
];

for (const [what, origin, allowed, isTls, isLetIn] of ORIGINS) {
  Deno.test(`originFault() ${isLetIn ? "lets in" : "refuses"} ${what}`, () => {
    assertEquals(originFault(request({ fields: { Origin: origin } }), allowed, isTls) === undefined, isLetIn);
  });
}

const LOCAL = ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "a.localhost", "chat:8765", "nas.local", "192.0.2.1"];

Deno.test("originFault() lets a page of this machine or of a local name connect without TLS", () => {
  for (const host of LOCAL) {
    assertEquals(originFault(request({ fields: { Host: host, Origin: `http://${host}` } }), [], false), undefined);
  }
});

const FOREIGN = [
  "evil.example",
  "localhost.evil.example:8765",
  "127.0.0.1.evil.example",
  "evil.example.",
  "local.evil",
];

Deno.test("originFault() rejects any name that may resolve to this machine (chat L5)", () => {
  for (const host of FOREIGN) {
    const head = request({ fields: { Host: host, Origin: `http://${host}` } });
    assertStringIncludes(
      originFault(head, [], false) ?? "",
      `possible DNS rebinding (allow it with --origin http://`,
      host,
    );
  }
});

Deno.test("parseOrigin() reads an origin as browsers send it (chat L5)", () => {
  const cases = {
    "https://chat.example/": "https://chat.example",
    "HTTPS://Chat.Example:443": "https://chat.example",
    "http://[::1]:8765": "http://[::1]:8765",
    "*": "*",
    "null": "null",
  };
  for (const [text, origin] of Object.entries(cases)) assertEquals(parseOrigin(text), origin);
});

Deno.test("parseOrigin() rejects origins that no browser sends (chat L5)", () => {
  for (const text of ["", "chat.example", "https://chat.example/room", "https://a@chat.example", "ws://chat.example"]) {
    assertThrows(() => parseOrigin(text), UsageError, `Cannot use "${text}" as an origin`);
  }
});

Deno.test("chooseSubprotocol() takes the server's preferred one of those offered", () => {
  const { fields } = request({ fields: { "Sec-WebSocket-Protocol": "a, parley.v1,b" } });
  assertEquals(chooseSubprotocol(fields, ["parley.v2", "parley.v1", "a"]), "parley.v1");
  assertEquals(chooseSubprotocol(fields, ["c"]), undefined);
});

Deno.test("acceptOf() returns the value of RFC 6455's example", async () => {
  assertEquals(await acceptOf("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

Deno.test("faultOfAnswer() accepts upgradeFields(), and reports the fault of other answers", async () => {
  const key = makeKey();
  const right = await upgradeFields(key, { subprotocol: "parley.v1" });
  const fault = (changes: Record<string, string>) =>
    faultOfAnswer(
      new Map(Object.entries({ ...right, ...changes }).map(([name, value]) => [name.toLowerCase(), value])),
      key,
      ["parley.v1"],
    );
  assertEquals(await fault({}), undefined);
  assertEquals(await fault({ Upgrade: "h2c" }), "its Upgrade field is not websocket");
  assertEquals(await fault({ Connection: "close" }), "its Connection field is not Upgrade");
  assertEquals(await fault({ "Sec-WebSocket-Accept": "AAAA" }), "its Sec-WebSocket-Accept is wrong");
  assertEquals(
    await fault({ "Sec-WebSocket-Protocol": "other" }),
    "it chose the subprotocol other, which was not offered",
  );
});
