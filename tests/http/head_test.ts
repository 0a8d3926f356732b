import { assertEquals, assertThrows } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { HttpError, HttpHeadReader, listOf, parseRequestHead, parseResponseHead } from "../../src/http/head.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

function parse(head: string) {
  const found = new HttpHeadReader().push(utf8(head));
  if (found === undefined) throw new Error("the head is not whole");
  return parseRequestHead(found.head);
}

function statusOf(head: string): number {
  return assertThrows(() => parse(head), HttpError).status;
}

Deno.test("parseRequestHead() returns method, path, query, version and fields", () => {
  const head = parse("GET /chat?room=a%20b HTTP/1.1\r\nHost: a.example:80\r\nX-One:  1 \r\nx-one: 2\r\nEmpty:\r\n\r\n");
  assertEquals([head.method, head.path, head.query, head.version, head.host], [
    "GET",
    "/chat",
    "room=a%20b",
    "1.1",
    "a.example:80",
  ]);
  assertEquals(head.fields.get("x-one"), "1, 2");
  assertEquals(head.fields.get("empty"), "");
});

Deno.test("parseRequestHead() takes the path out of an absolute target", () => {
  const head = parse("GET http://a.example?x=1 HTTP/1.1\r\nHost: a.example\r\n\r\n");
  assertEquals([head.path, head.query], ["/", "x=1"]);
});

Deno.test("parseRequestHead() takes a request of HTTP/1.0 without Host", () => {
  assertEquals(parse("GET / HTTP/1.0\r\n\r\n").host, undefined);
});

const REFUSED: readonly [string, number, string][] = [
  ["a request line of two words", 400, "GET /\r\nHost: a\r\n\r\n"],
  ["two blanks in the request line", 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a method that is no token", 400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a lower-case protocol name", 400, "GET / http/1.1\r\nHost: a\r\n\r\n"],
  ["HTTP/2.0", 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
  ["a target without a slash", 400, "GET chat HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a fragment in the target", 400, "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["no Host", 400, "GET / HTTP/1.1\r\n\r\n"],
  ["two Hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
  ["a Host with a path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
  ["a blank before the colon", 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"],
  ["a folded line", 400, "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"],
  ["a field without a colon", 400, "GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n"],
  ["a line end of LF alone", 400, "GET / HTTP/1.1\nHost: a\n\n"],
  ["a CR alone", 400, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"],
  ["empty lines without end", 400, "\r\n".repeat(5_000)],
  ["a NUL", 400, "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"],
  ["101 fields (MAX_FIELDS)", 431, `GET / HTTP/1.1\r\nHost: a\r\n${"X: 1\r\n".repeat(100)}\r\n`],
];

for (const [what, status, head] of REFUSED) {
  Deno.test(`HttpHeadReader and parseRequestHead() answer ${status} to ${what}`, () => {
    assertEquals(statusOf(head), status);
  });
}

Deno.test("HttpHeadReader.push() returns the same head when it arrives byte by byte", () => {
  const reader = new HttpHeadReader();
  const bytes = utf8("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  let found: ReturnType<HttpHeadReader["push"]>;
  for (const byte of bytes) found = reader.push(Uint8Array.of(byte));
  assertEquals(text(found?.head), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(reader.length, 0);
});

Deno.test("HttpHeadReader.push() returns the bytes after the head, and then the next head", () => {
  const reader = new HttpHeadReader();
  const found = reader.push(utf8("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n"));
  assertEquals(text(found?.rest), "GET /2 HTTP/1.1\r\n");
  assertEquals(reader.push(found?.rest ?? new Uint8Array()), undefined);
  assertEquals(text(reader.push(utf8("Host: b\r\n\r\n"))?.head), "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
});

Deno.test("HttpHeadReader.push() accepts a head exactly at the limit and rejects one byte more", () => {
  const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  assertEquals(new HttpHeadReader(head.length).push(utf8(head))?.head.length, head.length);
  const error = assertThrows(() => new HttpHeadReader(head.length - 1).push(utf8(head)), HttpError);
  assertEquals(error.status, 431);
});

Deno.test("HttpHeadReader.push() rejects 16 KiB and one byte without an end, before the end arrives", () => {
  const reader = new HttpHeadReader();
  assertEquals(reader.push(utf8(`GET /${"a".repeat(16 * 1024 - 5)}`)), undefined);
  assertEquals(assertThrows(() => reader.push(utf8("a")), HttpError).status, 431);
});

Deno.test("HttpHeadReader.push() rejects a TLS hello at once", () => {
  const hello = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00);
  assertEquals(assertThrows(() => new HttpHeadReader().push(hello), HttpError).status, 400);
});

Deno.test("parseResponseHead() returns status, reason and fields", () => {
  const head = parseResponseHead(utf8("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  assertEquals([head.status, head.reason, head.fields.get("content-length")], [404, "Not Found", "0"]);
  assertEquals(parseResponseHead(utf8("HTTP/1.1 101\r\n\r\n")).status, 101);
  assertThrows(() => parseResponseHead(utf8("SSH-2.0-OpenSSH\r\n\r\n")), HttpError, "status line");
});

Deno.test("listOf() splits a list and lowers its members", () => {
  assertEquals(listOf("keep-alive , Upgrade,,"), ["keep-alive", "upgrade"]);
  assertEquals(listOf(undefined), []);
});

Deno.test("parseRequestHead() finds how long the body is (fault 56)", () => {
  const bodyLength = (...fields: string[]) =>
    parseRequestHead(utf8(["POST / HTTP/1.1", "Host: a", ...fields, "", ""].join("\r\n"))).bodyLength;
  assertEquals(bodyLength(), 0);
  assertEquals(bodyLength("Content-Length: 0"), 0);
  assertEquals(bodyLength("Content-Length: 007"), 7);
  assertEquals(bodyLength("Content-Length: 3, 3"), 3);
  assertEquals(bodyLength("Content-Length: 3", "Content-Length: 3"), 3);
  assertEquals(bodyLength("Transfer-Encoding: Chunked"), "chunked");
});

Deno.test("parseRequestHead() rejects broken framing with the status of RFC 9112, section 6.3 (fault 56)", () => {
  const cells: [status: number, fields: string[], version?: string][] = [
    [400, ["Content-Length: x"]],
    [400, ["Content-Length: -1"]],
    [400, ["Content-Length: +1"]],
    [400, ["Content-Length: 0x3"]],
    [400, ["Content-Length: 3 4"]],
    [400, ["Content-Length:"]],
    [400, ["Content-Length: 3, 4"]],
    [400, ["Content-Length: 3,"]],
    [400, ["Content-Length: 3", "Content-Length: 4"]],
    [413, ["Content-Length: 99999999999999999999"]],
    [501, ["Transfer-Encoding: gzip"]],
    [501, ["Transfer-Encoding: gzip, chunked"]],
    [501, ["Transfer-Encoding: identity"]],
    [400, ["Transfer-Encoding: chunked, gzip"]],
    [400, ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]],
    [400, ["Transfer-Encoding:"]],
    [400, ["Transfer-Encoding: chunked", "Content-Length: 3"]],
    [400, ["Transfer-Encoding: chunked"], "1.0"],
  ];
  for (const [status, fields, version = "1.1"] of cells) {
    const head = utf8([`POST / HTTP/${version}`, "Host: a", ...fields, "", ""].join("\r\n"));
    assertEquals(
      assertThrows(() => parseRequestHead(head), HttpError, undefined, fields.join()).status,
      status,
      `${fields}`,
    );
  }
});
