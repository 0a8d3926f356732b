import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findFreePort } from "../../src/net/find_free_port.ts";
import { run, serve, start } from "./compiled.ts";

Deno.test("connect passes standard input to the server and its reply to standard output", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  const { code, stdout } = await run("client", ["connect", echo.endpoint], "one\ntwo\n");
  assertEquals([code, stdout], [0, "one\ntwo\n"]);
});

Deno.test("send tells a right answer from a wrong one and from silence", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  assertEquals((await run("client", ["send", echo.endpoint, "hello", "--expect", "hello"])).code, 0);
  await using silent = await serve(["discard", "tcp://127.0.0.1:0"]);
  const send = ["send", silent.endpoint, "hello", "--expect", "hello", "--timeout", "300ms"];
  assertEquals((await run("client", send)).code, 5);
});

Deno.test("check finds a server, and says what it found where there is none", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  assertEquals((await run("client", ["check", echo.endpoint])).code, 0);
  const { code, stdout } = await run("client", ["check", `tcp://127.0.0.1:${findFreePort()}`]);
  assertEquals(code, 4);
  assertStringIncludes(stdout, "refused");
});

Deno.test("bench measures an echo server", async () => {
  await using echo = await serve(["echo", "tcp://127.0.0.1:0"]);
  const { code, stdout } = await run("client", ["bench", echo.endpoint, "--duration", "300ms", "--json"]);
  assertEquals(code, 0);
  JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
});

Deno.test("resolve and free-port print what their names say", async () => {
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

Deno.test("parley-udp listen prints what comes", async () => {
  await using listen = start("udp", ["listen", "udp://127.0.0.1:0", "--print-endpoint"]);
  const endpoint = await listen.line();
  await run("udp", ["send", endpoint, "a datagram", "--one-way"]);
  assertStringIncludes(await listen.line(), "a datagram");
});
