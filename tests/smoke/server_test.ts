import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { dial, LinePeer, readTextToEnd, readToEnd, writeAll } from "../support/peer.ts";
import { portOf } from "../support/ports.ts";
import { isOldRuntime, run, serve, start } from "./compiled.ts";

Deno.test("echo sends back what it receives and exits with 0 on SIGTERM", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  using conn = await dial(echo.endpoint);
  await writeAll(conn, "hello");
  await conn.closeWrite();
  assertEquals(await readTextToEnd(conn), "hello");
  echo.server.kill(Deno.build.os === "windows" ? "SIGINT" : "SIGTERM");
  if (Deno.build.os !== "windows") assertEquals((await echo.server.outcome()).code, 0);
});

Deno.test("greet sends its greeting and takes one reply", async () => {
  await using greet = await serve(["greet", "tcp://127.0.0.1:0"]);
  using conn = await dial(greet.endpoint);
  const peer = new LinePeer(conn);
  assertStringIncludes(await peer.line() ?? "", "What's up?");
  await peer.send("fine");
  assertEquals(await peer.line(), undefined);
});

Deno.test("reply answers an HTTP request", async () => {
  await using reply = await serve(["reply", "tcp://127.0.0.1:0", "--http", "--text", "fine\\n"]);
  const answer = await fetch(reply.endpoint.replace("tcp:", "http:"));
  assertEquals([answer.status, await answer.text()], [200, "fine\n"]);
});

Deno.test("discard, chargen, daytime and time follow their RFCs", async () => {
  await using discard = await serve(["discard", "tcp://127.0.0.1:0"]);
  using sink = await dial(discard.endpoint);
  await writeAll(sink, "into the void");
  await sink.closeWrite();
  assertEquals(await readTextToEnd(sink), "");

  await using chargen = await serve(["chargen", "tcp://127.0.0.1:0"]);
  using pattern = await dial(chargen.endpoint);
  assertEquals((await new LinePeer(pattern).line())?.trimEnd().length, 72);

  await using daytime = await serve(["daytime", "tcp://127.0.0.1:0"]);
  using day = await dial(daytime.endpoint);
  assertMatch(await readTextToEnd(day), /\d/);

  await using time = await serve(["time", "tcp://127.0.0.1:0"]);
  using seconds = await dial(time.endpoint);
  assertEquals((await readToEnd(seconds)).length, 4);
});

Deno.test("chat passes a line from one client to another and serves its page", async () => {
  await using chat = await serve(["chat", "tcp://127.0.0.1:0", "ws://127.0.0.1:0"]);
  const page = await chat.server.line();
  using one = await dial(chat.endpoint);
  using two = await dial(chat.endpoint);
  const [ann, bob] = [new LinePeer(one), new LinePeer(two)];
  await ann.send("/nick ann");
  await bob.send("/nick bob");
  await bob.until(/bob/);
  await ann.send("hello from ann");
  assertStringIncludes(await bob.until(/hello from ann/), "ann");
  const answer = await fetch(page.replace("ws:", "http:"));
  assertEquals(answer.status, 200);
  assertMatch(await answer.text(), /<!doctype html>/i);
});

Deno.test("chat stores its history in the given file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/chat.db`;
    await using chat = await serve(["chat", "tcp://127.0.0.1:0", "--history", file]);
    using conn = await dial(chat.endpoint);
    const peer = new LinePeer(conn);
    await peer.send("to be kept");
    await peer.until(/to be kept|./);
    assert((await Deno.stat(file)).isFile);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const hasNoTls = await isOldRuntime();

Deno.test({
  name: `echo speaks TLS with a certificate from files${hasNoTls ? " (the runtime from npm has no such TLS)" : ""}`,
  ignore: hasNoTls,
  async fn() {
    await using files = await CertificateFiles.create();
    await using echo = await serve(["echo", "tls://127.0.0.1:0", ...files.flags()]);
    const port = portOf(echo.endpoint);
    using conn = await Deno.connectTls({ hostname: "localhost", port, caCerts: [files.authority.cert] });
    const peer = new LinePeer(conn);
    await peer.send("hello");
    assertEquals(await peer.line(), "hello");
    const check = await run("client", ["check", echo.endpoint, "--tls-ca", files.path("ca.pem")]);
    assertEquals(check.code, 0);
    assertEquals((await run("client", ["check", echo.endpoint])).code, 6);
  },
});

Deno.test("echo speaks WebSocket", async () => {
  await using echo = await serve(["echo", "ws://127.0.0.1:0"]);
  const socket = new WebSocket(echo.endpoint);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => resolve(data);
  assertEquals(await promise, "hello");
  const closed = Promise.withResolvers<void>();
  socket.onclose = () => closed.resolve();
  socket.close();
  await closed.promise;
});

Deno.test("hash-password makes a line that lets its owner in", async () => {
  const { code, stdout } = await run("server", ["hash-password", "ann"], "secret\n");
  assertEquals(code, 0);
  assertMatch(stdout, /^ann:/);
});

Deno.test("a second server on a port ends with exit code 8 and one line", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  const { code, stderr } = await run("server", ["echo", echo.endpoint]);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "address already in use");
});

Deno.test({
  name: "a second signal ends a draining server at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using server = start("server", ["chargen", "tcp://127.0.0.1:0", "--print-endpoint", "--drain-timeout", "1m"]);
    using conn = await dial(await server.line());
    await conn.read(new Uint8Array(100));
    server.kill("SIGINT");
    await server.errorLine(/draining/);
    server.kill("SIGINT");
    assertEquals((await server.outcome()).code, 130);
  },
});
