import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatagramPeer } from "../../support/datagram_peer.ts";
import { OWN_PROCESS, runProgram, startProgram, startUdpServer } from "../../support/in_process.ts";
import { closedPort } from "../../support/ports.ts";
import { ipv6Test } from "../../support/tools.ts";

const ANY = "udp://127.0.0.1:0";
const ANY_TCP = "127.0.0.1:0";

async function startRelay(target: string, ...flags: string[]) {
  const relay = startProgram("udp", ["relay", ANY, target, "--print-endpoint", ...flags]);
  return { relay, endpoint: await relay.line(), [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** Numbers of the datagrams that got no reply through a relay. */
async function lostThrough(target: string, count: number, ...flags: string[]): Promise<number[]> {
  await using started = await startRelay(target, ...flags);
  const { stdout } = await runProgram("udp", [
    ...["send", started.endpoint, "n {seq}", "--count", String(count), "--interval", "2ms"],
    ...["--timeout", "700ms", "--json"],
  ]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "").lostSeqs;
}

Deno.test("relay passes datagrams on and replies back to the right client", async () => {
  await using server = await startUdpServer(["upper", ANY]);
  await using started = await startRelay(server.endpoint);
  using one = new DatagramPeer(started.endpoint);
  using other = new DatagramPeer(started.endpoint);
  await one.send("one");
  await other.send("other");
  assertEquals([await one.text(), await other.text()], ["ONE", "OTHER"]);
});

Deno.test("relay --drop loses the asked share, the same datagrams in each run with the same seed", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  const first = await lostThrough(server.endpoint, 400, "--drop", "20%", "--seed", "7");
  assert(first.length >= 60 && first.length <= 100, `${first.length} of 400 were lost`);
  assertEquals(await lostThrough(server.endpoint, 400, "--drop", "20%", "--seed", "7"), first);
});

Deno.test("send --retries gets every reply through a relay that drops a fifth", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  await using started = await startRelay(server.endpoint, "--drop", "20%", "--seed", "7");
  const { code, stderr } = await runProgram("udp", [
    ...["send", started.endpoint, "hello", "--count", "100", "--interval", "1ms", "--retries", "10"],
    ...["--timeout", "500ms"],
  ]);
  assertStringIncludes(stderr, "100 sent, 100 answered, 0 lost");
  assertEquals(code, 0);
});

Deno.test("relay ends by itself after --max-datagrams, the last reply passed back", async () => {
  await using server = await startUdpServer(["upper", ANY]);
  await using started = await startRelay(server.endpoint, "--max-datagrams", "1");
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("last");
  assertEquals(await peer.text(), "LAST");
  assertEquals((await started.relay.outcome()).code, 0);
});

Deno.test("relay rejects an invalid share with exit code 2", async () => {
  const { code, stderr } = await runProgram("udp", ["relay", ANY, ANY, "--drop", "20"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, '--drop: Cannot parse share "20"');
});

Deno.test("relay --direction to-client makes the way back bad, and only that", async () => {
  await using server = await startUdpServer(["echo", ANY, "--max-datagrams", "1"], OWN_PROCESS);
  await using started = await startRelay(server.endpoint, "--direction", "to-client", "--drop", "100%");
  const { code } = await runProgram("udp", ["send", started.endpoint, "x", "--timeout", "300ms"]);
  assertEquals(code, 5);
  assertStringIncludes((await server.server.outcome()).stderr, "received=1 sent=1");
});

Deno.test("relay --metrics counts each way on its own", async () => {
  await using server = await startUdpServer(["upper", ANY]);
  await using started = await startRelay(server.endpoint, "--metrics", "127.0.0.1:0", "--dup", "100%");
  const url = await started.relay.line();
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("abc");
  assertEquals([await peer.text(), await peer.text()], ["ABC", "ABC"]);
  const text = await (await fetch(url)).text();
  for (
    const line of [
      'parley_datagrams_received_total{direction="to-target",service="relay"} 1',
      'parley_datagrams_received_total{direction="to-client",service="relay"} 2',
      'parley_datagrams_impaired_total{effect="duplicated",direction="to-target",service="relay"} 1',
      'parley_relay_clients{service="relay"} 1',
    ]
  ) assertStringIncludes(text, line);
});

Deno.test("relay --delay loses nothing of a burst that is due at one moment", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  await using started = await startRelay(server.endpoint, "--delay", "200ms");
  using peer = new DatagramPeer(started.endpoint);
  for (let seq = 0; seq < 150; seq++) await peer.send(`n ${seq}`);
  for (let seq = 0; seq < 150; seq++) assertEquals(await peer.text(), `n ${seq}`);
});

Deno.test("relay --max-clients evicts the client that was idle longest, and reports it (fault 5)", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  await using started = await startRelay(server.endpoint, "--max-clients", "2", "--metrics", ANY_TCP);
  const url = await started.relay.line();
  using one = new DatagramPeer(started.endpoint);
  using two = new DatagramPeer(started.endpoint);
  using three = new DatagramPeer(started.endpoint);
  for (const peer of [one, two, three]) {
    await peer.send("x");
    assertEquals(await peer.text(), "x");
  }
  assertStringIncludes(await (await fetch(url)).text(), 'parley_relay_clients_evicted_total{service="relay"} 1');
  assertStringIncludes(await started.relay.errorLine(/client evicted/), `client=udp://127.0.0.1:${one.address.port}`);
});

Deno.test("relay --idle-timeout forgets a client (fault 5)", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  await using started = await startRelay(server.endpoint, "--idle-timeout", "50ms", "--log-level", "debug");
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("x");
  assertEquals(await peer.text(), "x");
  await started.relay.errorLine(/client expired/);
  await peer.send("y");
  assertEquals(await peer.text(), "y");
});

Deno.test("relay --max-queue limits queued datagrams, and the summary counts discarded ones (fault 42)", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using server = await startUdpServer(["echo", ANY]);
  await using started = await startRelay(server.endpoint, "--delay", "1m", "--max-queue", "2", "--metrics", ANY_TCP);
  const url = await started.relay.line();
  using peer = new DatagramPeer(started.endpoint);
  for (let count = 0; count < 5; count++) await peer.send("x");
  const overflowed = 'parley_datagrams_impaired_total{effect="overflowed",direction="to-target",service="relay"} 3';
  while (!(await (await fetch(url)).text()).includes(overflowed));
  started.relay.kill("SIGTERM");
  assertStringIncludes((await started.relay.outcome()).stderr, "impairment_overflowed=3 impairment_discarded=2");
});

Deno.test("relay rejects limits of 0 with exit code 2 (fault 5)", async () => {
  for (const flags of [["--max-clients", "0"], ["--idle-timeout", "0"], ["--delay", "1s", "--max-queue", "0"]]) {
    assertEquals((await runProgram("udp", ["relay", ANY, "udp://127.0.0.1:9", ...flags])).code, 2, flags.join(" "));
  }
});

const OWN_ADDRESSES = [
  [Deno.test, "127.0.0.1", "127.0.0.1"],
  [Deno.test, "0.0.0.0", "127.0.0.1"],
  [ipv6Test, "[::]", "0.0.0.0"],
  [ipv6Test, "[::1]", "[::]"],
] as const;

for (const [test, listen, target] of OWN_ADDRESSES) {
  test(`relay on ${listen} rejects itself at ${target} as its target with exit code 2`, async () => {
    const port = closedPort();
    const { code, stderr } = await runProgram("udp", ["relay", `${listen}:${port}`, `${target}:${port}`]);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, "is the relay itself");
  });
}

Deno.test("relay accepts a target with its own port at another address, and with another port at its own", async () => {
  for (const [listen, target] of [["127.0.0.1", "127.0.0.2"], ["0.0.0.0", "192.0.2.1"], ["0.0.0.0", "127.0.0.1:9"]]) {
    const port = closedPort();
    const to = target?.includes(":") ? target : `${target}:${port}`;
    await using relay = startProgram("udp", ["relay", `${listen}:${port}`, to, "--print-endpoint"]);
    assertEquals(await relay.line(), `udp://${listen}:${port}`);
  }
});

Deno.test("relay --drop and --fault drop lose the same datagrams for a seed", async () => {
  await using server = await startUdpServer(["echo", ANY]);
  const lost = await lostThrough(server.endpoint, 50, "--drop", "20%", "--seed", "7");
  assert(lost.length > 2 && lost.length < 25, `${lost.length} of 50 were lost`);
  const fault = ["--fault", "drop:20%", "--direction", "to-server"];
  assertEquals(await lostThrough(server.endpoint, 50, ...fault, "--seed", "7"), lost);
});

Deno.test("relay --fault works in both directions by default, and logs its seed", async () => {
  await using server = await startUdpServer(["upper", ANY]);
  await using started = await startRelay(server.endpoint, "--fault", "duplicate:100%", "--seed", "3");
  assertStringIncludes(await started.relay.errorLine(/relaying/), "seed=3 faults=duplicate");
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("abc");
  for (let count = 0; count < 4; count++) assertEquals(await peer.text(), "ABC");
});

Deno.test("relay --only affects the clients with these numbers", async () => {
  await using server = await startUdpServer(["upper", ANY]);
  await using started = await startRelay(server.endpoint, "--dup", "100%", "--only", "2");
  using one = new DatagramPeer(started.endpoint);
  using two = new DatagramPeer(started.endpoint);
  await one.send("one");
  assertEquals(await one.text(), "ONE");
  await two.send("two");
  assertEquals([await two.text(), await two.text()], ["TWO", "TWO"]);
  await one.send("next");
  assertEquals(await one.text(), "NEXT");
});

for (
  const [flags, message] of [
    [["--fault", "slice:10"], 'Cannot parse fault "slice:10": the faults are drop, duplicate, reorder'],
    [["--fault", "drop:20"], 'Cannot parse share "20"'],
    [["--fault", "drop"], "drop needs a value, as in drop:5%"],
    [["--fault", "latency:1s,distribution=odd"], "distribution takes uniform, normal"],
    [["--share", "20%"], "--share requires --fault"],
    [["--drop", "5%", "--share", "20"], 'Cannot parse share "20"'],
  ] as const
) {
  Deno.test(`relay rejects ${flags.join(" ")} with exit code 2`, async () => {
    const { code, stderr } = await runProgram("udp", ["relay", ANY, "udp://127.0.0.1:9", ...flags]);
    assertStringIncludes(stderr, message);
    assertEquals(code, 2);
  });
}

Deno.test("relay needs an endpoint and a target, and an --idle-timeout of more than 0", async () => {
  for (const args of [[ANY], [ANY, ANY, ANY], [ANY, ANY, "--idle-timeout", "0ms"]]) {
    const { code, stderr } = await runProgram("udp", ["relay", ...args]);
    assertEquals(code, 2);
    assertStringIncludes(
      stderr,
      args[3] === "0ms" ? "--idle-timeout: must be more than 0" : "expected an endpoint and a target",
    );
  }
});
