import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatagramPeer } from "../../support/datagram_peer.ts";
import { runProgram, startUdpServer } from "../../support/in_process.ts";
import { ipv6Test } from "../../support/tools.ts";

const ANY = "udp://127.0.0.1:0";

Deno.test("serve upper sends each datagram back in upper case, boundaries kept", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("first");
  await peer.send("");
  await peer.send("sécond 2");
  assertEquals([await peer.text(), await peer.text(), await peer.text()], ["FIRST", "", "SéCOND 2"]);
});

Deno.test("serve echo sends a datagram of 65,507 bytes back unchanged (abuse 41)", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  using peer = new DatagramPeer(started.endpoint);
  const largest = new Uint8Array(65_507).map((_, index) => index % 251);
  await peer.send(largest);
  assertEquals(await peer.bytes(), largest);
});

Deno.test("serve ends by itself after --max-datagrams, the last reply sent", async () => {
  await using started = await startUdpServer(["echo", ANY, "--max-datagrams", "2"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("a");
  await peer.send("b");
  assertEquals([await peer.text(), await peer.text()], ["a", "b"]);
  const { code, stderr } = await started.server.outcome();
  assertEquals(code, 0);
  assertStringIncludes(stderr, "received=2 sent=2");
});

Deno.test("serve discard sends no replies and counts received datagrams", async () => {
  await using started = await startUdpServer(["discard", ANY, "--max-datagrams", "1"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("into the void");
  const { stderr } = await started.server.outcome();
  assertStringIncludes(stderr, "received=1 sent=0");
});

ipv6Test("serve serves several endpoints, IPv4 and IPv6", async () => {
  await using started = await startUdpServer(["upper", ANY, "udp://[::1]:0"]);
  const second = await started.server.line();
  assertMatch(second, /^udp:\/\/\[::1\]:\d+$/);
  for (const endpoint of [started.endpoint, second]) {
    using peer = new DatagramPeer(endpoint);
    await peer.send("hi");
    assertEquals(await peer.text(), "HI");
  }
});

Deno.test({
  name: "serve ends with code 0 on SIGTERM",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using started = await startUdpServer(["echo", ANY]);
    started.server.kill("SIGTERM");
    assertEquals((await started.server.outcome()).code, 0);
  },
});

Deno.test("serve drops a datagram longer than --max-bytes and counts it as truncated (abuse 42)", async () => {
  await using started = await startUdpServer(["echo", ANY, "--max-bytes", "8", "--max-datagrams", "2"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("123456789");
  await peer.send("12345678");
  assertEquals(await peer.text(), "12345678");
  assertStringIncludes((await started.server.outcome()).stderr, "dropped_truncated=1");
});

Deno.test("serve rejects an unknown service with exit code 2 and suggests the nearest", async () => {
  const { code, stderr } = await runProgram("udp", ["serve", "uper"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "did you mean upper?");
});

Deno.test("serve reports that the address is in use, with exit code 8", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  const { code, stderr } = await runProgram("udp", ["serve", "echo", started.endpoint]);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "address already in use");
});

Deno.test("serve reply sends no reply larger than its request, logs it, and counts it", async () => {
  await using started = await startUdpServer(["reply", ANY, "--text", "four", "--max-datagrams", "2"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("abc");
  await peer.send("abcd");
  assertEquals(await peer.text(), "four");
  const { stderr } = await started.server.outcome();
  assertStringIncludes(stderr, "allow with --amplify");
  assertStringIncludes(stderr, "dropped_amplification=1");
});

Deno.test("serve reply --amplify sends a reply larger than its request", async () => {
  await using started = await startUdpServer(["reply", ANY, "--text", "a long answer\\n", "--amplify"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("?");
  assertEquals(await peer.text(), "a long answer\n");
});

Deno.test("serve rejects a flag of another service with exit code 2", async () => {
  const { code, stderr } = await runProgram("udp", ["serve", "echo", ANY, "--text", "x"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--text applies to reply, not to echo");
});

Deno.test("serve --deny drops datagrams from the range and counts them", async () => {
  await using started = await startUdpServer(["echo", ANY, "--deny", "127.0.0.0/8", "--max-datagrams", "1"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("x");
  assertStringIncludes((await started.server.outcome()).stderr, "received=1 sent=0 dropped_denied=1");
});

Deno.test("serve --rate-per-ip drops what one address sends beyond it and counts it", async () => {
  await using started = await startUdpServer([
    ...["echo", ANY, "--rate-per-ip", "2", "--limit-loopback", "--max-datagrams", "20"],
  ]);
  using peer = new DatagramPeer(started.endpoint);
  for (let count = 0; count < 20; count++) await peer.send("x");
  const { stderr } = await started.server.outcome();
  assertMatch(stderr, /received=20 sent=\d dropped_rate=1\d/);
});

Deno.test("serve --drop loses requests, and --dup answers twice", async () => {
  await using dropping = await startUdpServer(["echo", ANY, "--drop", "100%", "--max-datagrams", "1"]);
  using peer = new DatagramPeer(dropping.endpoint);
  await peer.send("x");
  assertStringIncludes((await dropping.server.outcome()).stderr, "sent=0 impairment_dropped=1");
  await using doubling = await startUdpServer(["echo", ANY, "--dup", "100%"]);
  using other = new DatagramPeer(doubling.endpoint);
  await other.send("y");
  assertEquals([await other.text(), await other.text()], ["y", "y"]);
});

Deno.test("serve --metrics counts datagrams in the Prometheus format", async () => {
  await using started = await startUdpServer(["echo", ANY, "--metrics", "127.0.0.1:0", "--max-bytes", "4"]);
  const url = await started.server.line();
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("12345");
  await peer.send("1234");
  assertEquals(await peer.text(), "1234");
  const text = await (await fetch(url)).text();
  assertStringIncludes(text, 'parley_datagrams_received_total{service="echo"} 2');
  assertStringIncludes(text, 'parley_datagrams_dropped_total{reason="truncated",service="echo"} 1');
});

Deno.test("serve stays bounded in memory and ends promptly under a flood from one address (abuse 44)", async () => {
  await using started = await startUdpServer(["echo", ANY, "--rate-per-ip", "100", "--limit-loopback"]);
  using peer = new DatagramPeer(started.endpoint);
  const data = new Uint8Array(1_024);
  for (let count = 0; count < 20_000; count++) await peer.send(data);
  // Still under fire when it is told to end.
  let isFlooding = true;
  const flood = (async () => {
    while (isFlooding) await peer.send(data);
  })();
  const toldMs = performance.now();
  started.server.kill(Deno.build.os === "windows" ? "SIGKILL" : "SIGTERM");
  const { code, stderr } = await started.server.outcome();
  isFlooding = false;
  await flood;
  assertEquals(performance.now() - toldMs < 5_000, true);
  if (Deno.build.os === "windows") return;
  assertEquals(code, 0);
  assertMatch(stderr, /dropped_rate=\d{3,}/);
});

Deno.test("serve rejects flags without effect before it binds, with exit code 2", async () => {
  for (
    const [words, why] of [
      [["echo", ANY, "--interface", "127.0.0.1"], "--interface applies to multicast groups only"],
      [["echo", ANY, "--max-bytes", "0"], "--max-bytes: must be at least 1"],
      [["reply", ANY], "reply needs exactly one of --text, --hex and --file"],
      [["echo", "tcp://:0"], "it takes udp or unixgram"],
    ] as const
  ) {
    const { code, stderr } = await runProgram("udp", ["serve", ...words]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, why);
    assert(!stderr.includes("bound to"), stderr);
  }
});
