import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { startServer } from "../support/in_process.ts";
import { runClient } from "../support/run_client.ts";
import { closedPort } from "../support/ports.ts";
import { runTool } from "../support/tools.ts";

Deno.test("check takes a range of ports as so many endpoints", async () => {
  using first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = first.addr;
  const one = await runClient(["check", `127.0.0.1:${port}-${port}`]);
  assertEquals([one.code, one.stdout.trim().split("\n").length], [0, 1], one.stderr);
  const two = await runClient(["check", `tcp://127.0.0.1:${port}-${port + 1}`, "--any"]);
  assertEquals([two.code, two.stdout.includes(`:${port + 1}`)], [0, true], two.stdout);
  for (const wrong of ["127.0.0.1:10-9", "1-2000", "127.0.0.1:0-1024"]) {
    const outcome = await runClient(["check", wrong]);
    assertEquals([outcome.code, outcome.stderr.includes("a range has 1 to 1024 ports")], [2, true], outcome.stderr);
  }
  const file = await runClient(["check", "file:1-2"]);
  assertEquals(file.code !== 2, true, file.stderr);
});

Deno.test({
  name: "an abstract Unix socket is served and dialled, and no file of that name is made",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const name = `@parley-${crypto.randomUUID()}`;
    await using echo = await startServer(["echo", `unix:${name}`, "--framing", "line"]);
    assertEquals(echo.endpoint, `unix:${name}`);
    const sent = await runClient(["send", `unix:${name}`, "x\\n", "--expect", "x"]);
    assertEquals([sent.code, sent.stdout], [0, "x\n"], sent.stderr);
    const { code, stderr } = await runTool("socat", ["-T5", "-", `ABSTRACT-CONNECT:${name.slice(1)}`], {
      input: "y\n",
    });
    assertEquals(code, 0, stderr);
    const error = await startServer(["echo", `unix:${name}`]).then(() => "", (error: Error) => error.message);
    assertStringIncludes(error, "address already in use");
    assertThrows(() => Deno.lstatSync(name), Deno.errors.NotFound);
    await using web = await startServer(["echo", `ws+unix:${name}-web:/talk`]);
    assertEquals((await runClient(["check", web.endpoint])).code, 0);
    const closed = await runClient(["check", `unix:${name}-none`]);
    assertEquals(closed.code, 4, closed.stdout);
  },
});

Deno.test("an abstract socket of datagrams, or without a name, is rejected with the reason", async () => {
  for (const endpoint of ["unix:@", "unix://@", "unixgram:@parley-test"]) {
    const { code, stderr } = await runClient(["check", endpoint]);
    assertEquals([code, stderr.includes("exist on Linux, for streams only")], [2, true], stderr);
  }
});

Deno.test("smoke connects through --proxy", async () => {
  await using proxy = await startServer(["proxy", ":0"]);
  await using echo = await startServer(["echo", ":0", "--framing", "line"]);
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/smoke.json`;
    const endpoint = echo.endpoint;
    const steps = [{ send: "hello\\n" }, { expect: "hello" }];
    const tests = [
      { name: "a", endpoint, steps },
      { name: "b", endpoint, check: {} },
      { name: "c", endpoint, framing: "line", reuse: true, steps: [{ send: "hello" }, { expect: "hello" }] },
    ];
    await Deno.writeTextFile(file, JSON.stringify({ name: "proxied", tests }));
    const url = proxy.endpoint.replace("tcp:", "socks5:");
    const ok = await runClient(["smoke", file, "--proxy", url]);
    assertEquals(ok.code, 0, ok.stdout + ok.stderr);
    const none = await runClient(["smoke", file, "--proxy", `socks5://127.0.0.1:${closedPort()}`]);
    assertEquals([none.code, none.stdout.split("cannot reach the proxy").length > 3], [4, true], none.stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
