import { assertEquals, assertFalse, assertRejects } from "@std/assert";
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

Deno.test("skipBody() cannot tell the end of a chunked body", async () => {
  const reader = new RequestReader(
    sessionOf(["POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello"]),
  );
  const request = await reader.next();
  assertFalse(request === null || await reader.skipBody(request.head));
});
