import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { CertificateFiles } from "../support/certificate_files.ts";
import { TestAuthority } from "../support/certificates.ts";
import { closedPort } from "../support/ports.ts";
import { OWN_PROCESS, runProgram, startProgram, startServer } from "../support/in_process.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";
import { tlsPeer } from "../support/tls_peer.ts";

const SHORT = ["-d", "300ms", "--warmup", "50ms"];

async function benchJson(args: readonly string[]) {
  const { code, stdout, stderr } = await runProgram("client", ["bench", "--json", ...args]);
  return { code, stderr, report: JSON.parse(stdout) };
}

Deno.test("bench measures an echo over TCP and verifies every answer", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, report } = await benchJson([echo.endpoint, "-c", "5", ...SHORT]);
  assertEquals([code, report.ok, report.lost, report.errors], [0, true, 0, {}]);
  assertEquals(report.sent, report.answered);
  assertGreater(report.answered, 100);
  const { p50, p90, p99, max } = report.latencyMs;
  assert(0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= max);
});

Deno.test("bench -n measures exactly that many messages", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, report } = await benchJson([echo.endpoint, "-c", "3", "-n", "1000", "--depth", "7"]);
  assertEquals([code, report.sent, report.answered], [0, 1000, 1000]);
});

Deno.test("bench measures framed messages, deep pipelines and messages larger than a socket's buffer", async () => {
  await using lines = await startServer(["echo", ":0", "--framing", "line"]);
  await using raw = await startServer(["echo", ":0"]);
  const runs = [
    [lines.endpoint, "--framing", "line", "--depth", "32"],
    [raw.endpoint, "--framing", "length:4be", "--size", "1000"],
    [raw.endpoint, "--size", "4MiB", "-c", "2", "--depth", "2", "--timeout", "20s"],
  ];
  for (const args of runs) {
    const { code, report } = await benchJson([...args, ...SHORT]);
    assertEquals([code, report.errors, report.lost], [0, {}, 0], args.join(" "));
    assertGreater(report.answered, 0);
  }
});

Deno.test("bench measures an echo over a Unix socket", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using echo = await startServer(["echo", `unix:${folder}/echo.sock`]);
    assertEquals((await runProgram("client", ["bench", echo.endpoint, "-n", "100"])).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench measures an echo over WebSocket, message by message", async () => {
  await using echo = await startServer(["echo", "ws://127.0.0.1:0"]);
  for (const args of [["--depth", "16"], ["--size", "20000", "-c", "2"], ["--rate", "300"]]) {
    const { code, report } = await benchJson([echo.endpoint, ...args, ...SHORT]);
    assertEquals([code, report.errors, report.lost], [0, {}, 0], args.join(" "));
    assertGreater(report.answered, 10);
  }
  assertEquals((await runProgram("client", ["bench", echo.endpoint, "--pool", "1"])).code, 2);
});

Deno.test("bench measures an echo over TLS", async () => {
  const authority = await TestAuthority.create();
  const ca = await Deno.makeTempFile({ suffix: ".pem" });
  try {
    await Deno.writeTextFile(ca, authority.cert);
    await using echo = tlsPeer(await authority.issue());
    const words = ["bench", "--json", echo.endpoint, "--tls-ca", ca, "-n", "200"];
    const { code, stdout } = await runProgram("client", words);
    assertEquals([code, JSON.parse(stdout).answered], [0, 200]);
    assertEquals((await runProgram("client", ["bench", echo.endpoint, "-n", "1"])).code, 6);
  } finally {
    await Deno.remove(ca);
  }
});

Deno.test("bench --rate sends at that rate and measures from the intended time", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, report } = await benchJson([echo.endpoint, "-c", "4", "--rate", "500", "-d", "1s", "--warmup", "0ms"]);
  assertEquals(code, 0);
  // A busy machine may keep it from sending what is due at the end; a rate for each connection would be four times as high.
  assert(report.sent >= 250 && report.sent <= 550, `${report.sent} messages were sent`);
  assert(report.latencyMs.max >= report.serviceMs.max);
});

Deno.test("bench --rate charges a stalled server for the messages that it held up", async () => {
  // Stops reading for 400 ms after the first message, then echoes everything.
  await using stalling = scriptedPeer(async (conn) => {
    const buffer = new Uint8Array(64 * 1024);
    let isFirst = true;
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      if (isFirst) await new Promise((resolve) => setTimeout(resolve, 400));
      isFirst = false;
      for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    }
  });
  const args = [stalling.endpoint, "-c", "1", "--rate", "200", "-d", "800ms", "--warmup", "0ms"];
  const { report } = await benchJson(args);
  // About 80 of 160 messages fell into the stall: a closed loop would have counted one of them.
  assertGreater(report.latencyMs.p50 + report.latencyMs.p90, 100);
  assertGreater(report.latencyMs.p99, 300);
});

Deno.test("bench --pool lets callers share connections", async () => {
  await using echo = await startServer(["echo", ":0", "--log-level", "info"]);
  const { code, report } = await benchJson([echo.endpoint, "-c", "20", "--pool", "3", ...SHORT]);
  assertEquals([code, report.errors, report.lost, report.plan.pool], [0, {}, 0, 3]);
  assertGreater(report.answered, 20);
});

Deno.test("bench --workers adds up the load of several threads", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const args = ["bench", "--json", echo.endpoint, "-c", "5", "-n", "999", "--workers", "2"];
  const { code, stdout } = await runProgram("client", args, { permissions: ["-N", "-R"] });
  const report = JSON.parse(stdout);
  assertEquals([code, report.sent, report.answered, report.errors], [0, 999, 999, {}]);
});

Deno.test("bench --workers exits 8 with one line when the permission is missing", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, stderr } = await runProgram(
    "client",
    ["bench", echo.endpoint, "-n", "10", "--workers", "2"],
    OWN_PROCESS,
  );
  assertEquals(code, 8);
  assertMatch(stderr, /^parley-client: .*run again with --allow-read=\S*\/src\/\n$/);
});

Deno.test("bench exits with the code of what went wrong", async () => {
  await using silent = await startServer(["discard", ":0"]);
  await using wrong = await startServer(["echo", ":0", "--framing", "line", "--upper"]);
  await using closing = scriptedPeer((conn) => conn.close());
  await using resetting = await resettingPeer();
  const cells: [string[], number][] = [
    [["nobody.invalid:1"], 3],
    [[`:${closedPort()}`], 4],
    [[silent.endpoint, "--timeout", "300ms", "-n", "2"], 5],
    [[closing.endpoint, "-n", "5"], 7],
    [[resetting.endpoint, "-n", "5"], 7],
    [[wrong.endpoint, "--framing", "line", "-n", "5"], 1],
  ];
  for (const [args, expected] of cells) {
    assertEquals((await runProgram("client", ["bench", "-c", "1", ...args])).code, expected, args.join(" "));
  }
});

Deno.test("bench reports the number of lost messages when the server is silent", async () => {
  await using silent = await startServer(["discard", ":0"]);
  const { report } = await benchJson([silent.endpoint, "-c", "2", "-n", "4", "--timeout", "200ms"]);
  assertEquals([report.sent, report.answered, report.lost], [4, 0, 4]);
  assertEquals(report.errors.TimeoutError.count, 4);
});

Deno.test("bench continues over new connections when the server closes some", async () => {
  await using echo = await startServer(["echo", ":0", "--max-lifetime", "300ms"]);
  const { code, report } = await benchJson([echo.endpoint, "-c", "2", "-d", "1200ms", "--fail-if", "errors>100"]);
  assertEquals(code, 0);
  assertGreater(report.errors.ClosedEarlyError.count, 1);
  assertEquals(report.sent, report.answered + report.lost);
});

Deno.test("bench --fail-if exits 1 and reports the exceeded limit", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const args = [echo.endpoint, "-n", "100", "--fail-if", "p99>1us", "--fail-if", "errors>0", "--fail-if", "rate<1"];
  const { code, stderr, report } = await benchJson(args);
  assertEquals(code, 1);
  assertMatch(stderr, /^parley-client: p99>1us holds: p99 is [\d.]+[um]s\n$/);
  assertEquals(report.failed.length, 1);
});

Deno.test("bench --html writes a page", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using echo = await startServer(["echo", ":0"]);
    const file = `${folder}/report.html`;
    const files = `${file},${file}.draft`;
    const { code } = await runProgram("client", ["bench", echo.endpoint, "-n", "50", "--html", file]);
    assertEquals(code, 0);
    assertStringIncludes(await Deno.readTextFile(file), "Latency by percentile");
    const denied = await runProgram("client", ["bench", echo.endpoint, "-n", "50", "--html", file], OWN_PROCESS);
    assertEquals(denied.code, 8);
    assertStringIncludes(denied.stderr, `--allow-write=${files}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench reports its measurements when it is interrupted, and exits 130", async () => {
  await using echo = await startServer(["echo", ":0", "--log-level", "info"]);
  await using program = startProgram("client", ["bench", echo.endpoint, "-d", "60s", "--log-level", "debug"]);
  await program.errorLine(/connected/);
  program.kill("SIGINT");
  const { code, stdout } = await program.outcome();
  assertEquals(code, 130);
  assertMatch(stdout, /answers/);
});

Deno.test("bench ends at once when it is interrupted and the server is silent", async () => {
  for (const load of [[], ["--rate", "100"], ["--pool", "1"]]) {
    const spoken = Promise.withResolvers<void>();
    await using silent = scriptedPeer(async (conn) => {
      await conn.read(new Uint8Array(64));
      spoken.resolve();
    });
    const words = ["bench", silent.endpoint, "-c", "1", "--timeout", "5m", "-d", "5m", "--json", ...load];
    await using program = startProgram("client", words);
    await spoken.promise;
    program.kill("SIGINT");
    const { code, stdout } = await program.outcome();
    assertEquals([code, JSON.parse(stdout).answered], [130, 0], load.join(" "));
  }
});

Deno.test("bench --rate reports the achieved part of a rate that is too high", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const args = ["-c", "2", "--rate", "20000000", "-d", "700ms", "--warmup", "100ms", "--timeout", "20s"];
  const { code, report } = await benchJson([echo.endpoint, ...args]);
  assertEquals([code, report.lost, report.errors], [0, 0, {}]);
  assertGreater(report.answered, 1_000);
  // Two connections hold 4,096 messages each, and nothing else is sent.
  assert(report.sent - report.answered <= 2 * 4_096);
  // What was due long ago is charged from then.
  assertGreater(report.latencyMs.p50, report.serviceMs.p50);
});

Deno.test("bench sends messages larger than a connection's usual queue", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, report } = await benchJson([
    echo.endpoint,
    "-c",
    "1",
    "-n",
    "1",
    "--size",
    "80MiB",
    "--timeout",
    "60s",
  ]);
  assertEquals([code, report.answered, report.errors], [0, 1, {}]);
});

Deno.test("bench has no latency that is longer than its run", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const text = (await runProgram("client", ["bench", echo.endpoint, "-c", "20", "-n", "20", "--json"])).stdout;
  const { elapsedMs, rate, latencyMs } = JSON.parse(text);
  // The time is told in whole milliseconds.
  assert(elapsedMs + 1 >= latencyMs.max, `${elapsedMs} ms, and one answer took ${latencyMs.max}`);
  assert(rate * latencyMs.max / 1_000 <= 20.5, `${rate}/s`);
});

Deno.test("bench exits 2 when called wrongly", async () => {
  const calls = [
    [],
    ["80", "81"],
    ["80", "--size", "0"],
    ["80", "--depth", "1000000000"],
    ["80", "--rate", "10", "--depth", "2"],
    ["80", "--pool", "1", "--rate", "5"],
    ["80", "--framing", "fixed:3", "--size", "4"],
    ["80", "--fail-if", "p99=5ms"],
  ];
  for (const args of calls) assertEquals((await runProgram("client", ["bench", ...args])).code, 2, args.join(" "));
});

Deno.test("bench --tls-insecure warns once, and not for every connection", async () => {
  await using files = await CertificateFiles.create();
  await using echo = await startServer(["echo", "tls://127.0.0.1:0", ...files.flags()]);
  const { code, stderr } = await benchJson([echo.endpoint, "-c", "3", "-n", "30", "--tls-insecure"]);
  assertEquals([code, stderr.match(/NOT checked/g)?.length], [0, 1]);
});
