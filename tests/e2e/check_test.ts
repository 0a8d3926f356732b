import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { closedPort } from "../support/ports.ts";
import { runProgram, startProgram, startServer } from "../support/in_process.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

const FILES = ["-N", "-R", "-W"];

Deno.test("check exits 0 when a TCP server is there", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, stdout } = await runProgram("client", ["check", echo.endpoint]);
  assertEquals(code, 0);
  assertMatch(stdout, /^ok +tcp:\/\/127\.0\.0\.1:\d+ +[\d.]+ms +address=127\.0\.0\.1\n$/);
});

Deno.test("check exits 0 when a Unix server is there and 4 when its file is left over", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const endpoint = `unix:${folder}/app.sock`;
    await using echo = await startServer(["echo", endpoint], { permissions: FILES });
    assertEquals((await runProgram("client", ["check", endpoint])).code, 0);
    echo.server.kill("SIGKILL");
    await echo.server.outcome();
    assertEquals((await runProgram("client", ["check", endpoint])).code, 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("check exits 4 with one line when the connection is refused", async () => {
  const endpoint = `tcp://127.0.0.1:${closedPort()}`;
  const { code, stdout, stderr } = await runProgram("client", ["check", endpoint]);
  assertEquals({ code, stdout, stderr }, { code: 4, stdout: `fail  ${endpoint}  connection refused\n`, stderr: "" });
});

Deno.test("check exits 3 when the name is not known, also with --invert", async () => {
  for (const flags of [[], ["--invert"]]) {
    assertEquals((await runProgram("client", ["check", ...flags, "nobody.invalid:80"])).code, 3);
  }
});

Deno.test("check exits 7 when the server closes at once", async () => {
  await using closing = scriptedPeer((conn) => conn.close());
  const { code, stdout } = await runProgram("client", ["check", closing.endpoint]);
  assertEquals(code, 7);
  assertStringIncludes(stdout, "closed it at once");
});

Deno.test("check exits 8 and names the flag when the permission is missing", async () => {
  const { code, stdout } = await runProgram("client", ["check", "127.0.0.1:9"], { permissions: [] });
  assertEquals(code, 8);
  assertStringIncludes(stdout, "--allow-net=127.0.0.1:9");
});

Deno.test("check exits 2 when called wrongly", async () => {
  for (
    const words of [[], ["--all", "--any", "80"], ["--banner", "(", "80"], ["127.0.0.1:65536"], [
      ":80",
      "--min-days",
      "5",
    ]]
  ) {
    assertEquals((await runProgram("client", ["check", ...words])).code, 2, words.join(" "));
  }
});

Deno.test("check --wait exits 0 within 300 ms of the start of the server", async () => {
  // The best of three: the machine may be busy, the program may not be slow.
  const tookMs: number[] = [];
  for (let round = 0; round < 3 && !tookMs.some((ms) => ms < 300); round++) {
    const port = closedPort();
    await using program = startProgram("client", ["check", "--wait", "20s", "--log-level", "debug", `:${port}`]);
    await program.errorLine(/connecting to/);
    await program.errorLine(/connecting to/);
    using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    const startMs = performance.now();
    const { code } = await program.outcome();
    tookMs.push(performance.now() - startMs);
    assertEquals(code, 0);
  }
  assertLess(Math.min(...tookMs), 300);
});

Deno.test("check --wait ends at its deadline with the exit code of the last failure", async () => {
  const startMs = performance.now();
  const { code, stdout } = await runProgram("client", ["check", "--wait", "600ms", `:${closedPort()}`]);
  assertEquals(code, 4);
  assertMatch(stdout, /connection refused \(\d+ tries in \d+ms\)/);
  assert(performance.now() - startMs >= 400);
});

Deno.test("check --wait ends with 130 when it is interrupted", async () => {
  await using program = startProgram("client", ["check", "--wait", "60s", "--log-level", "debug", `:${closedPort()}`]);
  await program.errorLine(/connecting to/);
  program.kill("SIGINT");
  assertEquals((await program.outcome()).code, 130);
});

Deno.test("check takes several endpoints: all by default, one with --any", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const closed = `tcp://127.0.0.1:${closedPort()}`;
  assertEquals((await runProgram("client", ["check", echo.endpoint, closed])).code, 4);
  assertEquals((await runProgram("client", ["check", "--any", echo.endpoint, closed])).code, 0);
  assertEquals((await runProgram("client", ["check", closed, "nobody.invalid:1"])).code, 1);
});

Deno.test("check --any --wait ends as soon as one endpoint is there", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const closed = `tcp://127.0.0.1:${closedPort()}`;
  const { code, stdout } = await runProgram("client", ["check", "--any", "--wait", "60s", closed, echo.endpoint]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, `skip  ${closed}`);
});

Deno.test("check --invert exits 0 when the connection is refused and 1 when it is accepted", async () => {
  await using echo = await startServer(["echo", ":0"]);
  assertEquals((await runProgram("client", ["check", "--invert", `:${closedPort()}`])).code, 0);
  const { code, stdout } = await runProgram("client", ["check", "--invert", echo.endpoint]);
  assertEquals(code, 1);
  assertStringIncludes(stdout, "accepts connections");
});

Deno.test("check --banner compares the server's first data", async () => {
  await using greeting = scriptedPeer(async (conn) =>
    void await conn.write(new TextEncoder().encode("SSH-2.0-x\r\nmore"))
  );
  const matching = await runProgram("client", ["check", "--json", "--banner", "^SSH-2", greeting.endpoint]);
  assertEquals([matching.code, JSON.parse(matching.stdout).banner], [0, "SSH-2.0-x"]);
  const other = await runProgram("client", ["check", "--timeout", "2s", "--banner", "^220 ", greeting.endpoint]);
  assertEquals(other.code, 1);
  assertStringIncludes(other.stdout, "SSH-2.0-x");
});

Deno.test("check --banner exits 5 when the server sends nothing, even if the empty text would match", async () => {
  await using silent = scriptedPeer(() => {});
  for (const banner of [".", ".*"]) {
    const words = ["check", "--timeout", "300ms", "--banner", banner, silent.endpoint];
    assertEquals((await runProgram("client", words)).code, 5, banner);
  }
});

Deno.test("check --json prints one object per endpoint, also for a failure", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const closed = `tcp://127.0.0.1:${closedPort()}`;
  const { stdout } = await runProgram("client", ["check", "--json", echo.endpoint, closed]);
  const found = new Map(
    stdout.trim().split("\n").map((line) => {
      const { endpoint, ...rest } = JSON.parse(line);
      return [endpoint, rest];
    }),
  );
  assertEquals(found.get(echo.endpoint).ok, true);
  assertEquals([found.get(closed).exitCode, found.get(closed).error.name], [4, "RefusedError"]);
});
