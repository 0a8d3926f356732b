import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { TimeoutError } from "../../src/base/errors.ts";
import { HttpError } from "../../src/framing/http_head.ts";
import type { Session } from "../../src/serve/session.ts";
import { RequestReader } from "../../src/services/request_reader.ts";

/** A session of which only `receive()` is used: it gives the chunks, then what `end` does. */
function sessionOf(chunks: string[], end: () => Promise<null> = () => Promise.resolve(null)): Session {
  const receive = () => {
    const chunk = chunks.shift();
    return chunk === undefined ? end() : Promise.resolve([{ data: utf8(chunk), isText: false }]);
  };
  return { receive } as unknown as Session;
}

const silent = () => Promise.reject(new TimeoutError("reply", "no answer in time"));

Deno.test("next() gives each request of one read, and null at the end", async () => {
  const reader = new RequestReader(
    sessionOf(["GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\n", "Host: h\r\n\r\n"]),
  );
  assertEquals((await reader.next())?.head.path, "/a");
  assertEquals((await reader.next())?.head.path, "/b");
  assertEquals(await reader.next(), null);
});

Deno.test("next() makes a head that takes too long a 408", async () => {
  const reader = new RequestReader(sessionOf(["GET / HT"], silent));
  const error = await assertRejects(() => reader.next(), HttpError);
  assertEquals(error.status, 408);
});

const CHUNKED = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

Deno.test("skipBody() drops a chunked body, with extensions and trailers, however it is cut (fault 56)", async () => {
  const all = `${CHUNKED}5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n`;
  for (const size of [1, 2, 7, all.length]) {
    const pieces = Array.from(
      { length: Math.ceil(all.length / size) },
      (_, at) => all.slice(at * size, (at + 1) * size),
    );
    const reader = new RequestReader(sessionOf(pieces));
    const request = await reader.next();
    assert(request !== null && await reader.skipBody(request.head));
    assertEquals((await reader.next())?.head.path, "/next");
  }
});

Deno.test("skipBody() throws a 400 for malformed chunks, and is false where the client ends in one (fault 56)", async () => {
  for (const body of ["x\r\n", "-1\r\n", "2\r\nabc\r\n", "\r\n"]) {
    const reader = new RequestReader(sessionOf([CHUNKED, body]));
    const request = await reader.next();
    assert(request !== null);
    const error = await assertRejects(() => reader.skipBody(request.head), HttpError, undefined, body);
    assertEquals(error.status, 400);
  }
  const reader = new RequestReader(sessionOf([CHUNKED, "5\r\nhel"]));
  const request = await reader.next();
  assertFalse(request === null || await reader.skipBody(request.head));
});
