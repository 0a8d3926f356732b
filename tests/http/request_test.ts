import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { ClosedEarlyError, TimeoutError } from "../../src/base/errors.ts";
import { HttpError } from "../../src/http/head.ts";
import { abortable } from "../../src/net/wait.ts";
import {
  type HttpRequest,
  type HttpStream,
  type RequestHandler,
  type RequestOptions,
  RequestReader,
  serveRequests,
} from "../../src/http/request.ts";
import { drip, FakeTime } from "../support/fake_time.ts";

/** A stream that gives the chunks, then what `end` does, and keeps what is written. */
function streamOf(
  chunks: string[],
  end: () => Promise<null> = () => Promise.resolve(null),
): HttpStream & { written: string } {
  return {
    written: "",
    read: () => {
      const chunk = chunks.shift();
      return chunk === undefined ? end() : Promise.resolve(utf8(chunk));
    },
    write(bytes) {
      this.written += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
  };
}

const silent = () => Promise.reject(new TimeoutError("reply", "no answer in time"));
const readerOf = (chunks: string[], end?: () => Promise<null>, options?: RequestOptions) =>
  new RequestReader(streamOf(chunks, end), options);

async function nextOf(reader: RequestReader): Promise<HttpRequest> {
  const request = await reader.next();
  assert(request !== undefined);
  return request;
}

async function statusOf(work: () => Promise<unknown>): Promise<number> {
  return (await assertRejects(work, HttpError)).status;
}

Deno.test("next() returns each request of one read, and undefined at the end", async () => {
  const reader = readerOf(["GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\n", "Host: h\r\n\r\n"]);
  assertEquals((await reader.next())?.path, "/a");
  assertEquals((await reader.next())?.path, "/b");
  assertEquals(await reader.next(), undefined);
});

Deno.test("next() makes a head that takes too long a 408, also the second one", async () => {
  assertEquals(await statusOf(() => readerOf(["GET / HT"], silent).next()), 408);
  assertEquals(await statusOf(() => readerOf([], silent).next()), 408);
  const reader = readerOf(["GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /"], silent);
  await nextOf(reader);
  assertEquals(await statusOf(() => reader.next()), 408);
});

Deno.test("next() ends silently when no further request arrives", async () => {
  const reader = readerOf(["GET /a HTTP/1.1\r\nHost: h\r\n\r\n"], silent);
  await nextOf(reader);
  assertEquals(await reader.next(), undefined);
});

Deno.test("next() throws a ClosedEarlyError if the client leaves within a head", async () => {
  await assertRejects(() => readerOf(["GET / HT"]).next(), ClosedEarlyError);
});

Deno.test("next() does not turn a deadline of the stream itself into a 408", async () => {
  const idle = () => Promise.reject(new TimeoutError("idle", "idle for too long"));
  await assertRejects(() => readerOf(["GET / HT"], idle).next(), TimeoutError);
});

const CHUNKED = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

Deno.test("discardBody() drops a chunked body, with extensions and trailers, however it is cut (fault 56)", async () => {
  const all = `${CHUNKED}5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n`;
  for (const size of [1, 2, 7, all.length]) {
    const pieces = Array.from(
      { length: Math.ceil(all.length / size) },
      (_, at) => all.slice(at * size, (at + 1) * size),
    );
    const reader = readerOf(pieces);
    assert(await (await nextOf(reader)).discardBody());
    assertEquals((await reader.next())?.path, "/next");
  }
});

Deno.test("discardBody() throws a 400 for malformed chunks, and is false if the client ends in one (fault 56)", async () => {
  for (const body of ["x\r\n", "-1\r\n", "2\r\nabc\r\n", "\r\n"]) {
    const request = await nextOf(readerOf([CHUNKED, body]));
    assertEquals(await statusOf(() => request.discardBody()), 400, body);
  }
  assertFalse(await (await nextOf(readerOf([CHUNKED, "5\r\nhel"]))).discardBody());
});

const post = (body: string, more = "") =>
  `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

Deno.test("body() returns a body by length or in chunks, however it is split", async () => {
  for (const text of [post("hello"), `${CHUNKED}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`]) {
    for (const pieces of [[text], [...text]]) {
      const request = await nextOf(readerOf(pieces));
      assertEquals(new TextDecoder().decode(await request.body()), "hello");
    }
  }
});

Deno.test("body() takes maxBodyBytes, and throws a 413 for one byte more", async () => {
  for (const [body, isTaken] of [["1234", true], ["12345", false]] as const) {
    for (const text of [post(body), `${CHUNKED}${body.length}\r\n${body}\r\n0\r\n\r\n`]) {
      const request = await nextOf(readerOf([text], undefined, { maxBodyBytes: 4 }));
      if (isTaken) assertEquals(await request.body(), utf8(body));
      else assertEquals(await statusOf(() => request.body()), 413);
    }
  }
});

Deno.test("body() throws a 408 for a body that takes too long, and a ClosedEarlyError if the client leaves", async () => {
  const slow = await nextOf(readerOf([post("hello").slice(0, -1)], silent));
  assertEquals(await statusOf(() => slow.body()), 408);
  const gone = await nextOf(readerOf([post("hello").slice(0, -1)]));
  await assertRejects(() => gone.body(), ClosedEarlyError);
});

Deno.test("body() sends 100 Continue to a client that waits for it, and throws a 417 for another expectation", async () => {
  const waits = post("", "Expect: 100-continue\r\n").replace("Length: 0", "Length: 5");
  const stream = streamOf([waits, "hello"]);
  assertEquals(await (await nextOf(new RequestReader(stream))).body(), utf8("hello"));
  assertEquals(stream.written, "HTTP/1.1 100 Continue\r\n\r\n");
  const early = streamOf([`${waits}hel`, "lo"]);
  await (await nextOf(new RequestReader(early))).body();
  assertEquals(early.written, "", "the body is under way");
  const other = await nextOf(readerOf([waits.replace("100-continue", "miracles"), "hello"]));
  assertEquals(await statusOf(() => other.body()), 417);
});

/** The Connection field and the body of each answer to a client that sends these. */
async function answersTo(chunks: string[], handle: RequestHandler): Promise<string[]> {
  const stream = streamOf(chunks);
  await serveRequests(stream, handle);
  return stream.written.split("HTTP/1.1 200 OK\r\n").slice(1).map((answer) => {
    const [fields = "", body] = answer.split("\r\n\r\n");
    return `${/^Connection: (.*)$/m.exec(fields)?.[1]}: ${body}`;
  });
}

Deno.test("serveRequests() keeps the connection after a body that was read, and only then", async () => {
  const twice = () => [post("hello") + post("there")];
  const read = async (request: HttpRequest) => ({ status: 200, body: await request.body() });
  assertEquals(await answersTo(twice(), read), ["keep-alive: hello", "keep-alive: there"]);
  assertEquals(await answersTo(twice(), () => ({ status: 200, body: "unread" })), ["close: unread"]);
});

Deno.test("serveRequests() ends if the client, the handler or HTTP/1.0 requires it", async () => {
  const get = (more: string, version = "1.1") => `GET / HTTP/${version}\r\nHost: h\r\n${more}\r\n`;
  const cases: [string, boolean | undefined, string][] = [
    [get(""), undefined, "keep-alive"],
    [get("Connection: Close\r\n"), undefined, "close"],
    [get(""), false, "close"],
    [get("", "1.0"), undefined, "close"],
    [get("Connection: keep-alive\r\n", "1.0"), undefined, "keep-alive"],
  ];
  for (const [request, isKeptAlive, expected] of cases) {
    const stream = streamOf([request]);
    const outcome = await serveRequests(
      stream,
      () => ({ status: 200, ...(isKeptAlive === undefined ? {} : { isKeptAlive }) }),
    );
    assert(stream.written.includes(`Connection: ${expected}\r\n`), request);
    assertEquals(outcome, expected === "close" ? "last response sent" : "client left");
  }
});

Deno.test("serveRequests() answers an error, to a HEAD without a body, and rethrows it", async () => {
  for (const method of ["GET", "HEAD"]) {
    const stream = streamOf([`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`]);
    const refuse = () => Promise.reject(new HttpError(405, "no", { Allow: "PUT" }));
    assertEquals(await statusOf(() => serveRequests(stream, refuse)), 405);
    assert(stream.written.startsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
    assert(stream.written.includes("\r\nAllow: PUT\r\n"));
    assertEquals(stream.written.endsWith("no\n"), method === "GET");
  }
});

Deno.test("serveRequests() leaves the stream and the bytes after the head to a handler that returns nothing", async () => {
  const stream = streamOf(["GET / HTTP/1.1\r\nHost: h\r\n\r\nmore"]);
  let rest: Uint8Array | undefined;
  const outcome = await serveRequests(stream, (request) => {
    rest = request.takeRest();
    return undefined;
  });
  assertEquals([outcome, stream.written], ["taken over", ""]);
  assertEquals(rest, utf8("more"));
});

/** A stream whose bytes arrive when the test sends them, and whose reads have deadlines. */
class TimedStream implements HttpStream {
  written = "";
  readonly #chunks: string[] = [];
  #wake = Promise.withResolvers<void>();

  say(chunk: string): void {
    this.#chunks.push(chunk);
    this.#wake.resolve();
  }

  async read(options: Parameters<HttpStream["read"]>[0] = {}): Promise<Uint8Array> {
    while (this.#chunks.length === 0) {
      this.#wake = Promise.withResolvers();
      await abortable(this.#wake.promise, options, () => new TimeoutError("reply", "no answer in time"));
    }
    return utf8(this.#chunks.shift() ?? "");
  }

  write(bytes: Uint8Array): Promise<void> {
    this.written += new TextDecoder().decode(bytes);
    return Promise.resolve();
  }
}

for (const [part, before] of [["first head", ""], ["second head", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"]] as const) {
  Deno.test(`next() limits a ${part} that drips in to the time for all of it`, async () => {
    using time = new FakeTime();
    const stream = new TimedStream();
    const reader = new RequestReader(stream, { headTimeoutMs: 5_000 });
    stream.say(before);
    if (before !== "") await nextOf(reader);
    const ended = statusOf(() => reader.next());
    const tookMs = await drip(time, { everyMs: 400, send: () => stream.say("A"), ended, maxMs: 60_000 });
    assertEquals(await ended, 408);
    assert(tookMs >= 5_000 && tookMs <= 5_800, `${tookMs} ms`);
  });
}

for (const framing of [`Content-Length: 100000`, "Transfer-Encoding: chunked"]) {
  Deno.test(`body() limits a body with ${framing} that drips in to the time for all of it`, async () => {
    using time = new FakeTime();
    const stream = new TimedStream();
    stream.say(`POST / HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n`);
    const request = await nextOf(new RequestReader(stream, { bodyTimeoutMs: 5_000 }));
    const ended = statusOf(() => request.body());
    const tookMs = await drip(time, { everyMs: 400, send: () => stream.say("0"), ended, maxMs: 60_000 });
    assertEquals(await ended, 408);
    assert(tookMs >= 5_000 && tookMs <= 5_800, `${tookMs} ms`);
  });
}
