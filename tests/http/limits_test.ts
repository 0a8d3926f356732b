/** Every limit of HTTP at N, where it is kept, and at N + 1. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { HttpBodyReader } from "../../src/http/body.ts";
import { InvalidResponseError, readResponseHead, requestOver } from "../../src/http/client.ts";
import { tunnelFor } from "../../src/http/connect_tunnel.ts";
import { HttpError } from "../../src/http/head.ts";
import { Deadline } from "../../src/net/deadline.ts";
import type { Proxy, ProxyExchange } from "../../src/net/proxy_dialer.ts";
import { fakeConnection } from "../support/fake_transport.ts";

Deno.test("HttpBodyReader takes a line of 8 KiB between chunks (MAX_LINE_BYTES), however it is cut", () => {
  const lineOf = (bytes: number) => `1;${"x".repeat(bytes - 2)}`;
  for (const cut of [1, 8 * 1024, Infinity]) {
    const read = (text: string) => {
      const reader = new HttpBodyReader("chunked", 10);
      for (let at = 0; at < text.length; at += cut) reader.push(utf8(text.slice(at, at + cut)));
      return new TextDecoder().decode(reader.bytes);
    };
    assertEquals(read(`${lineOf(8 * 1024)}\na\n0\n\n`), "a");
    assertThrows(() => read(`${lineOf(8 * 1024 + 1)}\na`), HttpError, "a line between chunks is too long");
  }
});

Deno.test("requestOver() keeps 1 MiB of a body (MAX_BODY_BYTES), and does not wait for the rest", async () => {
  for (const beyond of [-1, 0, 1]) {
    const { transport, connection } = fakeConnection();
    const length = 1024 * 1024 + beyond;
    transport.say(
      `HTTP/1.1 200 OK\r\nContent-Length: ${length + (beyond > 0 ? 1 : 0)}\r\n\r\n`,
      new Uint8Array(length),
    );
    const request = { method: "GET", target: "/", fields: {} };
    const { body } = await requestOver(connection, request, new Deadline(60_000));
    assertEquals(body.length, Math.min(length, 1024 * 1024));
    connection.close();
  }
});

Deno.test("readResponseHead() skips 10 interim responses (MAX_INTERIM)", async () => {
  const read = (count: number) => {
    const pieces = [`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(count)}HTTP/1.1 204 No Content\r\n\r\n`];
    return readResponseHead(() => Promise.resolve(utf8(pieces.shift() ?? "")));
  };
  const found = await read(10);
  assertEquals("head" in found && found.head.status, 204);
  await assertRejects(() => read(11), InvalidResponseError, "more than 10 interim responses");
});

Deno.test("the CONNECT tunnel skips 10 interim responses of a proxy (MAX_INTERIM)", async () => {
  const open = async (count: number) => {
    const statuses = [...Array<number>(count).fill(103), 200];
    const exchange = {
      write: () => Promise.resolve(),
      read: () => Promise.resolve({ status: statuses.shift(), reason: "", fields: new Map() }),
      error: (_kind: unknown, words: string) => new Error(words),
    } as unknown as ProxyExchange;
    const proxy = { scheme: "http", user: "", password: "" } as Proxy;
    await (await tunnelFor(proxy))(exchange, { host: "db.test", port: 1 }, proxy);
  };
  await open(10);
  await assertRejects(() => open(11), Error, "more than 10 interim responses");
});
