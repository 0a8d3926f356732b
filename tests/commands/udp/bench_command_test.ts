import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bindSilent } from "../../support/datagram_peer.ts";
import { runProgram, startProgram, startUdpServer } from "../../support/in_process.ts";

const ANY = "udp://127.0.0.1:0";
const SHORT = ["--duration", "10s", "--count", "200", "--rate", "1000/s"];

Deno.test("bench measures round trips against an echo", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  const { code, stdout } = await runProgram("udp", ["bench", started.endpoint, ...SHORT, "--json"]);
  assertEquals(code, 0);
  const result = JSON.parse(stdout);
  assertEquals([result.sent, result.received, result.lost, result.duplicated], [200, 200, 0, 0]);
  assert(result.roundTripMs.p50 > 0 && result.roundTripMs.p50 <= result.roundTripMs.max);
});

Deno.test("bench recognizes its probes when they return in upper case", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  const { code, stdout } = await runProgram("udp", ["bench", started.endpoint, ...SHORT, "--json"]);
  const { received, foreign, roundTripMs } = JSON.parse(stdout);
  assertEquals([code, received, foreign], [0, 200, 0]);
  assert(roundTripMs.max < 60_000, `a round trip of ${roundTripMs.max} ms`);
});

Deno.test("bench exits 1 if replies are not echoes, and reports it", async () => {
  await using started = await startUdpServer(["reply", ANY, "--text", "no"]);
  const { code, stdout, stderr } = await runProgram("udp", [
    ...["bench", started.endpoint, "--count", "10", "--wait", "300ms", "--json"],
  ]);
  assertEquals([code, JSON.parse(stdout).foreign], [1, 10]);
  assertStringIncludes(stderr, "received 10 datagrams, but no echo");
});

Deno.test("bench --one-way reports what the sink received, and the sink prints it too", async () => {
  await using started = await startUdpServer(["sink", ANY]);
  const { code, stdout } = await runProgram("udp", ["bench", started.endpoint, ...SHORT, "--one-way", "--json"]);
  assertEquals(code, 0);
  const { sent, lost } = JSON.parse(stdout);
  assertEquals([sent, lost], [200, 0]);
  const report = JSON.parse(await started.server.line());
  assertEquals([report.sent, report.unique, report.bytes], [200, 200, 12_800]);
});

Deno.test("bench counts lost, duplicated and reordered datagrams, and --fail-if exits 1", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  await using relay = startProgram("udp", [
    ...["relay", ANY, server.endpoint, "--drop", "10%", "--dup", "5%", "--reorder", "5%", "--print-endpoint"],
  ]);
  const endpoint = await relay.line();
  const { code, stdout, stderr } = await runProgram("udp", [
    ...[
      "bench",
      endpoint,
      "--count",
      "1000",
      "--rate",
      "2000/s",
      "--json",
      "--fail-if",
      "loss>1%",
      "--fail-if",
      "max>1h",
    ],
  ]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "parley-udp: loss>1% holds: loss is ");
  const result = JSON.parse(stdout);
  assertEquals(result.failed.length, 1);
  assertAlmostEquals(result.lossPercent, 10, 3);
  assertAlmostEquals(result.duplicated / 1_000, 0.05, 0.03);
  assert(result.reordered > 10, `${result.reordered} reordered`);
});

Deno.test("bench counts corrupted datagrams apart, and measures times of intact ones only (fault 18)", async () => {
  await using server = await startUdpServer(["echo", ANY, "--corrupt", "50%"]);
  const { code, stdout } = await runProgram("udp", ["bench", server.endpoint, ...SHORT, "--json"]);
  const result = JSON.parse(stdout);
  assertEquals([code, result.foreign], [0, 0]);
  assertEquals(result.received + result.corrupted, 200);
  assertEquals(result.lost, result.corrupted);
  assertAlmostEquals(result.corrupted / 200, 0.5, 0.15);
  assert(result.jitterMs < 1_000 && result.roundTripMs.max < 10_000, stdout);
});

Deno.test("bench exits 1 when all datagrams are corrupted (fault 18)", async () => {
  await using server = await startUdpServer(["echo", ANY, "--corrupt", "100%"]);
  const { code, stdout, stderr } = await runProgram("udp", ["bench", server.endpoint, "-c", "50", "--wait", "300ms"]);
  assertEquals(code, 1);
  assertMatch(stdout, /^corrupted {3}50$/m);
  assertMatch(stdout, /^jitter {6}0 ms$/m);
  assertStringIncludes(stderr, "all 50 received datagrams are corrupted");
});

Deno.test("bench --one-way reports corruption, and --fail-if 'corrupt>1%' exits 1 (fault 18)", async () => {
  await using server = await startUdpServer(["sink", ANY, "--corrupt", "50%", "--seed", "3"]);
  const { code, stdout } = await runProgram("udp", [
    ...["bench", server.endpoint, ...SHORT, "--one-way", "--json", "--wait", "5s", "--fail-if", "corrupt>1%"],
  ]);
  assertEquals(code, 1);
  const { received, corrupted, jitterMs } = JSON.parse(stdout);
  assertAlmostEquals(corrupted / 200, 0.5, 0.15);
  // A bit flipped in the marker makes a datagram unrecognizable, which happens to a few of a hundred.
  assert(received + corrupted >= 185, stdout);
  assert(jitterMs < 1_000, stdout);
});

Deno.test("bench exits 5 when there are no replies, 4 when the port is closed (abuse 43)", async () => {
  let endpoint: string;
  const flags = ["--count", "3", "--wait", "100ms"];
  {
    using silent = bindSilent();
    endpoint = silent.endpoint;
    assertEquals((await runProgram("udp", ["bench", endpoint, ...flags])).code, 5);
  }
  assertEquals((await runProgram("udp", ["bench", endpoint, ...flags])).code, 4);
});

Deno.test("bench rejects an invalid limit or rate with exit code 2", async () => {
  for (
    const flags of [["--fail-if", "loss"], ["--fail-if", "loss>5"], ["--rate", "fast"], ["--size", "24"], [
      "--size",
      "65508",
    ]]
  ) {
    assertEquals((await runProgram("udp", ["bench", ANY, ...flags])).code, 2, flags.join(" "));
  }
});

Deno.test({
  name: "bench --json and send --json report their exit code when they are interrupted",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using silent = bindSilent();
    for (const words of [["bench", silent.endpoint], ["send", silent.endpoint, "x", "--count", "1000"]]) {
      await using program = startProgram("udp", [...words, "--json", "--log-level", "debug"]);
      await program.errorLine(/bound to/);
      program.kill("SIGINT");
      const { code, stdout } = await program.outcome();
      const { ok, exitCode } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
      assertEquals([code, ok, exitCode], [130, false, 130]);
    }
  },
});
