import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../src/base/bytes.ts";
import { reply, replyTemplate } from "../../src/services/reply.ts";
import { dial, LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { Logger } from "../../src/log/logger.ts";
import { nextTurn } from "../../src/net/wait.ts";
import { FakeSession } from "../support/fake_session.ts";
import { fakeConnection } from "../support/fake_transport.ts";
import { OWN_PROCESS, runProgram, startServer } from "../support/in_process.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Deno.test("reply answers each line, with the message in the place of {message}", async () => {
  await using started = await startServer(["reply", ":0", "--text", "echo: {message}"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  await writeAll(conn, "got it\r\ntwo\n");
  assertEquals([await peer.line(), await peer.line()], ["echo: got it", "echo: two"]);
});

Deno.test("reply to each line takes an answer with a line end for the line, and refuses several lines", async () => {
  await using started = await startServer(["reply", "tcp://127.0.0.1:0", "--text", "status 200\\r\\n"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  await peer.send("status?");
  await peer.send("status?");
  assertEquals([await peer.line(), await peer.line()], ["status 200", "status 200"]);
  const { code, stderr } = await runProgram("server", ["reply", "tcp://127.0.0.1:0", "--text", "a\\nb\\n"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "Cannot reply with several lines with --framing line; use --framing raw");
});

Deno.test("reply --then close closes after the first answer", async () => {
  await using started = await startServer(["reply", ":0", "--text", "bye", "--then", "close"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "one\ntwo\n");
  assertEquals(await readTextToEnd(conn), "bye\n");
});

Deno.test("reply --on connect sends the exact bytes and closes", async () => {
  await using started = await startServer(["reply", ":0", "--on", "connect", "--text", "220 ready\\r\\n\\x00"]);
  using conn = await dial(started.endpoint);
  assertEquals(await readTextToEnd(conn), "220 ready\r\n\0");
});

Deno.test("reply --on connect --then keep stays until the client ends", async () => {
  await using started = await startServer(["reply", ":0", "--on", "connect", "--text", "hi\\n", "--then", "keep"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  assertEquals(await peer.line(), "hi");
  await writeAll(conn, "QUIT\r\n");
  await conn.closeWrite();
  assertEquals(await peer.line(), undefined);
});

Deno.test("reply --on request --then close closes after the first answer, also if a second request is there", async () => {
  await using started = await startServer(["reply", ":0", "--on", "request", "--text", "bye\\n", "--then", "close"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, GET + GET);
  assertEquals(await readTextToEnd(conn), "bye\n");
});

Deno.test("reply --on request answers one request at a time, as fast as the client reads", async () => {
  const flags = { text: "got it", file: undefined, on: "request", http: false, then: undefined } as const;
  const service = await reply.create(flags, { log: Logger.of("test"), logInTimeoutMs: 10_000 });
  const session = new FakeSession();
  const sent = Promise.withResolvers<void>();
  let writes = 0;
  session.write = () => {
    writes++;
    return sent.promise;
  };
  session.say(GET + GET);
  const serving = service.serve(session, fakeConnection().connection);
  while (writes === 0) await nextTurn();
  await nextTurn();
  assertEquals(writes, 1);
  sent.resolve();
  await session.idle();
  assertEquals(writes, 2);
  session.close("done");
  await serving;
});

Deno.test("reply --on request answers once the head is complete, however it is split", async () => {
  await using started = await startServer(["reply", ":0", "--on", "request", "--text", "got it\\n"]);
  using conn = await dial(started.endpoint);
  const peer = new LinePeer(conn);
  for (const char of GET) await writeAll(conn, char);
  assertEquals(await peer.line(), "got it");
  await writeAll(conn, GET + GET);
  assertEquals([await peer.line(), await peer.line()], ["got it", "got it"]);
});

Deno.test("reply --http is a proper HTTP server to fetch()", async () => {
  await using started = await startServer(["reply", ":0", "--http", "--text", "ok\\n"]);
  const response = await fetch(started.endpoint.replace("tcp:", "http:"), { method: "POST", body: "a body" });
  assertEquals([response.status, response.headers.get("content-length"), await response.text()], [200, "3", "ok\n"]);
});

Deno.test("reply --http keeps the connection when the client requests it, and drops bodies of a declared length", async () => {
  await using started = await startServer(["reply", ":0", "--http", "--text", "ok"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /no HTTP/1.1\r\nHost: no\r\n\r\n");
  await writeAll(conn, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const text = await readTextToEnd(conn);
  const answers = text.split("HTTP/1.1 200 OK\r\n").slice(1);
  assertEquals(answers.length, 2);
  assertMatch(answers[0] ?? "", /Content-Length: 2\r\n[^]*Connection: keep-alive\r\n\r\nok$/);
  assertMatch(answers[1] ?? "", /Content-Length: 2\r\n[^]*Connection: close\r\n\r\n$/);
});

Deno.test("reply --http rejects invalid HTTP and a head beyond 16 KiB", async () => {
  await using started = await startServer(["reply", ":0", "--http", "--text", "ok"]);
  using nonsense = await dial(started.endpoint);
  await writeAll(nonsense, "hello\n");
  assertStringIncludes(await readTextToEnd(nonsense), "HTTP/1.1 400 Bad Request\r\n");
  using large = await dial(started.endpoint);
  await writeAll(large, `GET / HTTP/1.1\r\nX: ${"x".repeat(16 * 1024)}`);
  assertStringIncludes(await readTextToEnd(large), "HTTP/1.1 431 ");
});

Deno.test("reply --http answers broken framing with 400 or 501 and closes, and sends the date (fault 56)", async () => {
  await using started = await startServer(["reply", ":0", "--http", "--text", "ok"]);
  for (
    const [fields, status] of [
      ["Content-Length: x", 400],
      ["Content-Length: 3, 4", 400],
      ["Transfer-Encoding: gzip", 501],
      ["Transfer-Encoding: chunked\r\nContent-Length: 3", 400],
    ] as const
  ) {
    using conn = await dial(started.endpoint);
    await writeAll(conn, `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`);
    const answer = await readTextToEnd(conn);
    assertMatch(answer, new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`), fields);
    assertMatch(answer, /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m);
  }
});

Deno.test("reply --http keeps the connection after a chunked body (fault 56)", async () => {
  await using started = await startServer(["reply", ":0", "--http", "--text", "ok"]);
  using conn = await dial(started.endpoint);
  await writeAll(conn, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  await writeAll(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const answers = (await readTextToEnd(conn)).split("HTTP/1.1 200 OK\r\n").slice(1);
  assertEquals(answers.map((answer) => /Connection: (.*)\r/.exec(answer)?.[1]), ["keep-alive", "close"]);
  assertMatch(answers[0] ?? "", /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m);
});

Deno.test("reply reads its answer from a file as it is", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "two\nlines {message}");
    await using started = await startServer(["reply", ":0", "--on", "connect", "--file", path]);
    using conn = await dial(started.endpoint);
    assertEquals(await readTextToEnd(conn), "two\nlines {message}");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("reply without an answer, with a missing file, without the permission: one line each", async () => {
  const without = await runProgram("server", ["reply", ":0"]);
  assertEquals(without.code, 2);
  assertStringIncludes(without.stderr, "--text TEXT or --file FILE");
  const missing = await runProgram("server", ["reply", ":0", "--file", "/nowhere"]);
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "Cannot read the reply of --file /nowhere: no such file");
  const denied = await runProgram("server", ["reply", ":0", "--file", "/nowhere"], OWN_PROCESS);
  assertEquals(denied.code, 8);
  assertStringIncludes(denied.stderr, "--allow-read");
  assertEquals(denied.stderr.trim().split("\n").length, 1);
});

function filled(template: string, message: string): string {
  return new TextDecoder().decode(replyTemplate(utf8(template))(utf8(message)));
}

Deno.test("replyTemplate() puts the message in each place and nowhere else", () => {
  assertEquals(filled("a {message} b {message}", "x"), "a x b x");
  assertEquals(filled("{message}", ""), "");
  assertEquals(filled("plain {messag}", "x"), "plain {messag}");
  assertEquals(filled("<{message}>", "{message}"), "<{message}>");
});
