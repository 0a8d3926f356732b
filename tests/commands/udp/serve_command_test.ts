import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatagramPeer } from "../../support/datagram_peer.ts";
import { runProgram, startUdpServer } from "../../support/program.ts";

const ANY = "udp://127.0.0.1:0";

Deno.test("serve upper sends each datagram back in upper case, boundaries kept", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("first");
  await peer.send("");
  await peer.send("sécond 2");
  assertEquals([await peer.text(), await peer.text(), await peer.text()], ["FIRST", "", "SéCOND 2"]);
});

Deno.test("serve echo sends a datagram of 65,507 bytes back unchanged", async () => {
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

Deno.test("serve discard answers nothing and counts what came", async () => {
  await using started = await startUdpServer(["discard", ANY, "--max-datagrams", "1"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("into the void");
  const { stderr } = await started.server.outcome();
  assertStringIncludes(stderr, "received=1 sent=0");
});

Deno.test("serve serves several endpoints, IPv4 and IPv6", async () => {
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

Deno.test("serve drops a datagram longer than --max-bytes and counts it as truncated", async () => {
  await using started = await startUdpServer(["echo", ANY, "--max-bytes", "8", "--max-datagrams", "2"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("123456789");
  await peer.send("12345678");
  assertEquals(await peer.text(), "12345678");
  assertStringIncludes((await started.server.outcome()).stderr, "dropped_truncated=1");
});

Deno.test("serve refuses an unknown service with exit code 2 and names the nearest", async () => {
  const { code, stderr } = await runProgram("udp", ["serve", "uper"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "did you mean upper?");
});

Deno.test("serve says that the address is in use, with exit code 8", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  const { code, stderr } = await runProgram("udp", ["serve", "echo", started.endpoint]);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "the address is in use");
});
