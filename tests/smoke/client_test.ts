import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { closedPort } from "../support/ports.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { run, serve, start } from "./compiled.ts";

Deno.test("connect passes standard input to the server and its reply to standard output", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  const { code, stdout } = await run("client", ["connect", echo.endpoint], "one\ntwo\n");
  assertEquals([code, stdout], [0, "one\ntwo\n"]);
});

Deno.test("send distinguishes an expected reply, an unexpected one and silence", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  assertEquals((await run("client", ["send", echo.endpoint, "hello", "--expect", "hello"])).code, 0);
  await using silent = await serve(["discard", "tcp://127.0.0.1:0"]);
  const send = ["send", silent.endpoint, "hello", "--expect", "hello", "--timeout", "300ms"];
  assertEquals((await run("client", send)).code, 5);
});

Deno.test("check finds a server, and reports the reason if there is none", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  assertEquals((await run("client", ["check", echo.endpoint])).code, 0);
  const { code, stdout } = await run("client", ["check", `tcp://127.0.0.1:${closedPort()}`]);
  assertEquals(code, 4);
  assertStringIncludes(stdout, "refused");
});

Deno.test("every way to fail has its own exit code", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  const wrong = ["send", echo.endpoint, "status 404", "--expect", "status 200", "--timeout", "200ms"];
  assertEquals((await run("client", wrong)).code, 1);
  assertEquals((await run("client", ["send", `tcp://127.0.0.1:${closedPort()}`, "hello"])).code, 4);
  await using resetting = await resettingPeer();
  assertEquals((await run("client", ["send", resetting.endpoint, "hello", "--expect", "hello"])).code, 7);
  await using gone = await serve(["reply", "tcp://127.0.0.1:0", "--on", "connect", "--text", ""]);
  assertEquals((await run("client", ["check", gone.endpoint])).code, 7);
  assertEquals((await run("udp", ["send", `udp://127.0.0.1:${closedPort()}`, "hello"])).code, 4);
});

Deno.test({
  name: "connect ends with exit code 130 at SIGINT",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
    await using client = start("client", ["connect", echo.endpoint]);
    await client.type("hello\n");
    assertEquals(await client.line(), "hello");
    client.kill("SIGINT");
    assertEquals((await client.outcome()).code, 130);
  },
});

Deno.test("connect speaks WebSocket", async () => {
  await using echo = await serve(["echo", "ws://127.0.0.1:0"]);
  const { code, stdout } = await run("client", ["connect", echo.endpoint, "--wait-reply", "500ms"], "one\ntwo\n");
  assertEquals([code, stdout], [0, "one\ntwo\n"]);
});

Deno.test({
  name: "server and client meet at a Unix socket",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await using echo = await serve(["echo", `unix:${folder}/echo.sock`]);
      assertEquals((await run("client", ["send", echo.endpoint, "hello", "--expect", "hello"])).code, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("smoke runs a file and writes its report", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using echo = await serve(["echo", "tcp://127.0.0.1:0", "--framing", "line"]);
    const steps = [{ send: "order 42" }, { expect: "order 42" }];
    const suite = { tests: [{ name: "orders come back", endpoint: echo.endpoint, framing: "line", steps }] };
    await Deno.writeTextFile(`${folder}/smoke.json`, JSON.stringify(suite));
    const { code, stdout } = await run("client", ["smoke", `${folder}/smoke.json`, "--junit", `${folder}/report.xml`]);
    assertEquals(code, 0, stdout);
    assertStringIncludes(await Deno.readTextFile(`${folder}/report.xml`), 'name="orders come back"');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("chat sends a line and ends when it is stored", async () => {
  await using chat = await serve(["chat", "tcp://127.0.0.1:0"]);
  const { code, stdout } = await run("client", ["chat", chat.endpoint, "--nick", "ci"], "the build is green\n");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "ci: the build is green");
});

Deno.test("bench measures an echo server", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  const { code, stdout } = await run("client", ["bench", echo.endpoint, "--duration", "300ms", "--json"]);
  assertEquals(code, 0);
  JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
});

Deno.test("resolve prints addresses, and free-port a free port", async () => {
  assertMatch((await run("client", ["resolve", "localhost"])).stdout, /127\.0\.0\.1|::1/);
  assertEquals((await run("client", ["resolve", "no-such-name.invalid"])).code, 3);
  assertMatch((await run("client", ["free-port"])).stdout, /^\d+\n$/);
});

Deno.test("parley-udp send gets its datagram back from parley-udp serve", async () => {
  await using upper = start("udp", ["serve", "upper", "udp://127.0.0.1:0", "--print-endpoint"]);
  const endpoint = await upper.line();
  const { code, stdout } = await run("udp", ["send", endpoint, "hello"]);
  assertEquals([code, stdout], [0, "HELLO\n"]);
});

Deno.test("parley-udp listen prints received datagrams", async () => {
  await using listen = start("udp", ["listen", "udp://127.0.0.1:0", "--print-endpoint"]);
  const endpoint = await listen.line();
  await run("udp", ["send", endpoint, "a datagram", "--one-way"]);
  assertStringIncludes(await listen.line(), "a datagram");
});
