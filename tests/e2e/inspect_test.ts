import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dial, readToEnd, writeAll } from "../support/peer.ts";
import { OWN_PROCESS, runProgram, startServer } from "../support/in_process.ts";

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "inspect reports addresses, both ends, options and the round trip",
  ignore,
  async fn() {
    await using started = await startServer(["echo", "tcp://127.0.0.1:0"]);
    const words = ["--receive-buffer", "64KiB", "--keep-alive", "60s,10s,5", "--json"];
    const { code, stdout, stderr } = await runProgram("client", ["inspect", started.endpoint, ...words]);
    assertEquals(code, 0, stderr);
    const report = JSON.parse(stdout);
    assertEquals(report.ok, true);
    assertEquals(report.remote, started.endpoint);
    assertMatch(report.local, /^tcp:\/\/127\.0\.0\.1:\d+$/);
    assertEquals(report.addresses, [{ address: "127.0.0.1", family: 4 }]);
    assert(report.options.set.receiveBuffer >= 65_536);
    assertEquals(report.options.default.keepAlive, false);
    assertEquals(report.options.set.keepAlive, { idle: 60, interval: 10, count: 5 });
    if (Deno.build.os === "linux") assert(report.tcp.sendSegmentBytes > 0);
  },
});

Deno.test({
  name: "inspect prints a table, and --explain describes each step",
  ignore,
  async fn() {
    await using started = await startServer(["echo", "tcp://127.0.0.1:0"]);
    const { stdout, stderr } = await runProgram("client", ["inspect", started.endpoint, "--explain"]);
    assertMatch(stdout, /^remote +tcp:\/\/127\.0\.0\.1:\d+ \(IPv4\)$/m);
    assertMatch(stdout, /^keep alive +off$/m);
    const steps = stderr.trim().split("\n").map((line) => line.trim().split(/\s+/)[0]);
    assertEquals(steps, ["resolve", "connect", "close"]);
  },
});

Deno.test("the socket flags report a missing --allow-ffi in one line, exit code 8", async () => {
  for (
    const [program, words] of [
      ["client", ["inspect", "tcp://127.0.0.1:1", "--receive-buffer", "64KiB"]],
      ["server", ["echo", "tcp://127.0.0.1:0", "--send-buffer", "1MiB"]],
    ] as const
  ) {
    const { code, stderr } = await runProgram(program, words, OWN_PROCESS);
    assertEquals(code, 8);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, "--allow-ffi");
  }
});

Deno.test("inspect without --allow-ffi reports all but socket options (fault 20)", async () => {
  await using started = await startServer(["echo", "tcp://127.0.0.1:0"]);
  const { code, stdout, stderr } = await runProgram("client", ["inspect", started.endpoint], OWN_PROCESS);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^remote +tcp:\/\/127\.0\.0\.1:\d+ \(IPv4\)$/m);
  assertStringIncludes(stdout, "unavailable (run again with --allow-ffi)");
  const json = await runProgram("client", ["inspect", started.endpoint, "--json"], OWN_PROCESS);
  const report = JSON.parse(json.stdout);
  assertEquals([json.code, report.ok, report.options, report.remote], [0, true, undefined, started.endpoint]);
});

Deno.test({
  name: "inspect reports a Unix socket, in spite of the runtime's own unnamed ones (fault 20)",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await using started = await startServer(["echo", `unix:${folder}/s`]);
      const words = ["inspect", started.endpoint, "--json"];
      const { code, stdout, stderr } = await runProgram("client", words, { permissions: ["-A"] });
      assertEquals(code, 0, stderr);
      assertEquals(typeof JSON.parse(stdout).options.set.sendBuffer, "number");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "send and connect set socket options too",
  ignore,
  async fn() {
    await using started = await startServer(["echo", "tcp://127.0.0.1:0"]);
    const words = ["--keep-alive", "30s,5s,3", "--log-level", "trace"];
    for (const command of [["send", started.endpoint, "hi", "--expect", "hi"], ["connect", started.endpoint]]) {
      const { code, stdout, stderr } = await runProgram("client", [...command, ...words], { input: "hi" });
      assertEquals([code, stdout.trim()], [0, "hi"], stderr);
      assertStringIncludes(stderr, '\\"keepAlive\\":{\\"idle\\":30');
    }
  },
});

Deno.test("--keep-alive rejects values that the kernel cannot represent, exit code 2", async () => {
  for (const text of ["60", "60s,10s", "0s,1s,1", "1s,500ms,1", "1s,1s,0", "1s,1s,1,1"]) {
    const { code, stderr } = await runProgram("client", ["inspect", "tcp://127.0.0.1:1", "--keep-alive", text]);
    assertEquals(code, 2, text);
    assertStringIncludes(stderr, "keep-alive");
  }
});

Deno.test({
  name: "the server sets socket options of each client, and --trace shows the effective values",
  ignore,
  async fn() {
    const words = ["echo", "tcp://127.0.0.1:0", "--keep-alive", "30s,5s,3", "--trace", "--exit-after", "1"];
    await using started = await startServer(words);
    using client = await dial(started.endpoint);
    await writeAll(client, "still there?");
    await client.closeWrite();
    assertEquals(new TextDecoder().decode(await readToEnd(client)), "still there?");
    const { code, stderr } = await started.server.outcome();
    assertEquals(code, 0);
    assertStringIncludes(stderr, '\\"keepAlive\\":{\\"idle\\":30,\\"interval\\":5,\\"count\\":3}');
  },
});

Deno.test("--explain describes each step of a server once, for any number of clients", async () => {
  await using started = await startServer(["echo", "tcp://127.0.0.1:0", "--explain", "--exit-after", "2"]);
  for (let round = 0; round < 2; round++) {
    using client = await dial(started.endpoint);
    await writeAll(client, "hello");
    await client.closeWrite();
    await readToEnd(client);
  }
  const { stderr } = await started.server.outcome();
  const steps = stderr.split("\n").filter((line) => line.startsWith("  ")).map((line) => line.trim().split(/\s+/)[0]);
  assertEquals(steps, ["socket", "bind", "listen", "accept", "receive", "send", "end", "close"]);
});
