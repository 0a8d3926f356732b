import { assertEquals, assertThrows } from "@std/assert";
import { encodeHead, encodeResponse } from "../../src/http/response.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("encodeResponse() writes status, fields, length, connection and body", () => {
  assertEquals(
    text(encodeResponse({ status: 200, fields: { "Content-Type": "text/plain" }, body: "grüß", isKeptAlive: true })),
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\ngrüß",
  );
});

Deno.test("encodeResponse() sends the length without the body in response to HEAD", () => {
  assertEquals(
    text(encodeResponse({ status: 200, body: "body", isHead: true })),
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n",
  );
});

Deno.test("encodeResponse() sends no length with a 101", () => {
  assertEquals(
    text(encodeResponse({ status: 101, fields: { Upgrade: "websocket", Connection: "Upgrade" } })),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  );
});

Deno.test("encodeHead() rejects a field that would forge another line", () => {
  assertThrows(() => encodeHead("HTTP/1.1 200 OK", { "X-A": "1\r\nX-B: 2" }), SyntaxError, "line end");
});
