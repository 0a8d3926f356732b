import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatHex } from "../../../src/base/bytes.ts";
import { parseRecording } from "../../../src/script/recording.ts";
import { DatagramPeer } from "../../support/datagram_peer.ts";
import { requireMulticast } from "../../support/multicast.ts";
import { OWN_PROCESS, runProgram, type StartOptions, startProgram } from "../../support/in_process.ts";

const ANY = "udp://127.0.0.1:0";

async function startListen(args: readonly string[], options?: StartOptions) {
  const listen = startProgram("udp", ["listen", ...args, "--print-endpoint"], options);
  return { listen, endpoint: await listen.line(), [Symbol.asyncDispose]: () => listen[Symbol.asyncDispose]() };
}

Deno.test("listen prints one line a datagram, control characters escaped", async () => {
  await using started = await startListen([ANY]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("a\n\x1b[2Jb");
  const from = `udp://127\\.0\\.0\\.1:${peer.address.port}`;
  assertMatch(
    await started.listen.line(),
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} ${from} 7 bytes: a\\\\n\\\\x1b\\[2Jb$`),
  );
});

Deno.test("listen --raw prints the bytes of each datagram and nothing else", async () => {
  await using started = await startListen([ANY, "--raw", "--max-datagrams", "2"]);
  using peer = new DatagramPeer(started.endpoint);
  for (const data of ["a\n\x1b[2Jb", "\0c\n"]) await peer.send(data);
  const { code, stdout } = await started.listen.outcome();
  assertEquals([code, stdout], [0, `${started.endpoint}\na\n\x1b[2Jb\0c\n`]);
});

for (const format of ["--hex", "--json"]) {
  Deno.test(`listen rejects --raw with ${format}`, async () => {
    const { code, stderr } = await runProgram("udp", ["listen", ANY, "--raw", format]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `--raw and ${format} cannot be combined`);
  });
}

Deno.test("listen escapes characters that change the direction of text, in JSON too (fault 32)", async () => {
  const sent = "a\u202eb\u2066c\u009b2Jd\u061c\u200f";
  await using text = await startListen([ANY]);
  await using json = await startListen([ANY, "--json"]);
  for (const { endpoint } of [text, json]) {
    using peer = new DatagramPeer(endpoint);
    await peer.send(sent);
  }
  assertMatch(await text.listen.line(), /: a\\u202eb\\u2066c\\x9b2Jd\\u061c\\u200f$/);
  const line = await json.listen.line();
  assertMatch(line, /^[\x20-\x7e]+$/);
  assertEquals(JSON.parse(line).text, sent);
});

Deno.test("listen prints a datagram longer than --max-bytes as truncated (abuse 42)", async () => {
  await using started = await startListen([ANY, "--max-bytes", "4"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("12345");
  assertMatch(await started.listen.line(), / 4 bytes \(truncated\): 1234$/);
});

Deno.test("listen --metrics counts received datagrams", async () => {
  await using started = await startListen([ANY, "--metrics", "127.0.0.1:0"]);
  const url = await started.listen.line();
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("12345");
  await started.listen.line();
  const text = await (await fetch(url)).text();
  assertStringIncludes(text, 'parley_datagram_bytes_received_total{service="listen"} 5');
});

Deno.test("listen --hex prints a dump", async () => {
  await using started = await startListen([ANY, "--hex"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send(Uint8Array.of(0, 255, 65));
  assertMatch(await started.listen.line(), / 3 bytes$/);
  assertMatch(await started.listen.line(), /^00000000 {2}00 ff 41 +\|\.\.A\|$/);
});

Deno.test("listen --json prints objects with text or hex", async () => {
  await using started = await startListen([ANY, "--json"]);
  using peer = new DatagramPeer(started.endpoint);
  await peer.send("text");
  await peer.send(Uint8Array.of(0xff));
  const [text, hex] = [JSON.parse(await started.listen.line()), JSON.parse(await started.listen.line())];
  assertEquals([text.text, text.size, text.isTruncated, text.to], ["text", 4, false, started.endpoint]);
  assertEquals([hex.hex, hex.text], ["ff", undefined]);
});

Deno.test("listen --record keeps what replay sends again at the same distances", async () => {
  const file = await Deno.makeTempFile();
  try {
    const items = [
      { recording: 1, at: "2026-01-01T00:00:00.000Z", endpoint: "udp://127.0.0.1:5000", framing: "raw" },
      { at: "2026-01-01T00:00:01.000Z", from: "client", text: "first" },
      { at: "2026-01-01T00:00:01.000Z", from: "client", base64: "/wA=" },
      { at: "2026-01-01T00:00:01.200Z", from: "server", text: "an answer is not sent" },
      { at: "2026-01-01T00:00:01.300Z", from: "client", text: "last" },
    ];
    await Deno.writeTextFile(file, items.map((item) => `${JSON.stringify(item)}\n`).join(""));
    const recording = await Deno.makeTempFile();
    try {
      await using started = await startListen([ANY, "--record", recording, "--max-datagrams", "3"]);
      const replay = await runProgram("udp", ["replay", file, started.endpoint]);
      assertEquals(replay.code, 0);
      assertStringIncludes(replay.stderr, "3 sent");
      assertEquals((await started.listen.outcome()).code, 0);
      const { head, events } = parseRecording(await Deno.readTextFile(recording), recording);
      assertEquals(head.endpoint, started.endpoint);
      assertEquals(events.map(({ data }) => data && formatHex(data)), ["6669727374", "ff00", "6c617374"]);
      // The distance may only grow on its way, by what the system is late.
      const distanceMs = (events[2]?.atMs ?? 0) - (events[1]?.atMs ?? 0);
      assertEquals(distanceMs > 200, true, `300 ms became ${distanceMs} ms`);
    } finally {
      await Deno.remove(recording);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("listen --record distinguishes senders, and mock replays the recording", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/talk.jsonl`;
    {
      await using started = await startListen([ANY, "--record", file, "--max-datagrams", "3"]);
      using one = new DatagramPeer(started.endpoint);
      using other = new DatagramPeer(started.endpoint);
      for (const [peer, text] of [[one, "a"], [other, "b"], [one, "c"]] as const) {
        await peer.send(text);
        await started.listen.line();
      }
      assertEquals((await started.listen.outcome()).code, 0);
    }
    const { events } = parseRecording(await Deno.readTextFile(file), file);
    assertEquals(events.map(({ connection, from }) => `${connection} ${from}`), ["1 client", "2 client", "1 client"]);
    await using mock = startProgram("udp", ["mock", file, ANY, "--print-endpoint", "--exit-after", "2"]);
    const endpoint = await mock.line();
    using one = new DatagramPeer(endpoint);
    using other = new DatagramPeer(endpoint);
    for (const [peer, text] of [[one, "a"], [one, "c"], [other, "b"]] as const) await peer.send(text);
    const { code, stdout } = await mock.outcome();
    assertEquals([code, stdout.match(/^ok /gm)?.length], [0, 2]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "listen --record ends with exit code 8 when the disk is full",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using started = await startListen([ANY, "--record", "/dev/full"]);
    using peer = new DatagramPeer(started.endpoint);
    await peer.send("lost");
    const { code, stderr } = await started.listen.outcome();
    assertEquals(code, 8);
    assertMatch(stderr, /^parley-udp: Cannot write the recording \/dev\/full: .*$/m);
  },
});

Deno.test("replay of a recording without datagrams exits 2 (fault 32)", async () => {
  const file = await Deno.makeTempFile();
  try {
    for (const content of ["", "\n", " \n\n"]) {
      await Deno.writeTextFile(file, content);
      const words = ["replay", file, "udp://127.0.0.1:9"];
      const { code, stderr } = await runProgram("udp", words);
      assertEquals(code, 2);
      assertStringIncludes(stderr, "the recording contains no datagrams");
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("replay reports a line that is not a datagram, with exit code 2", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '{"recording":1,"at":"","endpoint":"x","framing":"raw"}\n{"at":1}\n');
    const { code, stderr } = await runProgram("udp", ["replay", file, ANY]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "line 2");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test({
  ...await requireMulticast("two listen joined to one group on loopback both print what send sends"),
  fn: async () => {
    const interfaceFlags = ["--interface", "127.0.0.1"];
    await using one = await startListen(["udp://239.255.77.7:0", ...interfaceFlags]);
    await using other = await startListen([one.endpoint, ...interfaceFlags]);
    const { code } = await runProgram("udp", [
      "send",
      one.endpoint,
      "to all",
      "--one-way",
      "--ttl",
      "0",
      ...interfaceFlags,
    ]);
    assertEquals(code, 0);
    for (const { listen } of [one, other]) assertMatch(await listen.line(), / 6 bytes: to all$/);
  },
});

Deno.test({
  ...await requireMulticast("listen --group joins a group beside its endpoint"),
  fn: async () => {
    await using started = await startListen(["0.0.0.0:0", "--group", "239.255.77.8", "--interface", "127.0.0.1"]);
    const group = started.endpoint.replace("0.0.0.0", "239.255.77.8");
    await runProgram("udp", ["send", group, "hi", "--one-way", "--interface", "127.0.0.1"]);
    assertMatch(await started.listen.line(), / 2 bytes: hi$/);
  },
});

Deno.test("listen rejects an invalid --group with exit code 2", async () => {
  const { code, stderr } = await runProgram("udp", ["listen", "udp://0.0.0.0:0", "--group", "10.0.0.1"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "not a multicast group");
});

Deno.test("listen --group rejects an endpoint that would receive nothing, also the default one", async () => {
  const cases: [string[], string][] = [
    [["0.0.0.0:0", "udp://127.0.0.2:5007"], "udp://127.0.0.2:5007 receives no multicast; listen on 0.0.0.0:5007"],
    [["localhost:5007"], "localhost:5007 receives no multicast; listen on 0.0.0.0:5007"],
    [[], "udp://127.0.0.1:5000 receives no multicast; listen on 0.0.0.0:5000"],
  ];
  for (const [endpoints, message] of cases) {
    const { code, stderr } = await runProgram("udp", ["listen", ...endpoints, "--group", "239.255.77.8"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `--group: ${message}\n`);
  }
});

Deno.test("listen receives a broadcast on loopback", { ignore: Deno.build.os !== "linux" }, async () => {
  await using started = await startListen(["0.0.0.0:0"]);
  const everybody = started.endpoint.replace("0.0.0.0", "127.255.255.255");
  assertEquals((await runProgram("udp", ["send", everybody, "to all", "--one-way"])).code, 0);
  assertMatch(await started.listen.line(), / 6 bytes: to all$/);
});

Deno.test({
  ...await requireMulticast("listen joins an IPv6 group of narrow scope", "ff02::77"),
  fn: async () => {
    await using started = await startListen(["udp://[ff02::77]:0"]);
    assertEquals((await runProgram("udp", ["send", started.endpoint, "six", "--one-way"])).code, 0);
    assertMatch(await started.listen.line(), / 3 bytes: six$/);
  },
});

const linkLocal = Deno.networkInterfaces().find(({ family, scopeid }) => family === "IPv6" && scopeid !== 0);

Deno.test({
  ...await requireMulticast(
    linkLocal ? "send --interface and --ttl to an IPv6 group" : "send --interface to an IPv6 group (none here)",
    "ff02::78",
  ),
  ...linkLocal && Deno.build.os !== "windows" ? {} : { ignore: true },
  fn: async () => {
    const index = String(linkLocal?.scopeid);
    await using started = await startListen(["udp://[ff02::78]:0", "--interface", index]);
    const words = ["send", started.endpoint, "six", "--one-way", "--interface", index, "--ttl", "0"];
    const sent = await runProgram("udp", words);
    assertEquals([sent.code, sent.stderr], [0, ""]);
    assertMatch(await started.listen.line(), / 3 bytes: six$/);
    const refused = await runProgram("udp", words, OWN_PROCESS);
    assertEquals(refused.code, 8);
    assertMatch(refused.stderr, /^parley-udp: .*--allow-ffi.*\n$/);
  },
});

Deno.test({
  name: "listen --receive-buffer sizes the kernel's buffer",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using started = await startListen([ANY, "--receive-buffer", "100KiB", "--log-level", "trace"]);
    await started.listen.errorLine(/socket options.*receiveBuffer/);
  },
});

Deno.test({
  name: "listen --receive-buffer warns when the kernel grants less, and only then (fault 40)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const limit = Number(await Deno.readTextFile("/proc/sys/net/core/rmem_max"));
    for (const [size, isWarned] of [[limit, false], [limit + 1, true], [2 ** 31 - 1, true]] as const) {
      await using started = await startListen([ANY, "--receive-buffer", String(size)]);
      started.listen.kill("SIGTERM");
      const { stderr } = await started.listen.outcome();
      const warning =
        `receive buffer is smaller than requested requested=${size} granted=${limit} limit=net.core.rmem_max`;
      assertEquals(stderr.includes(warning), isWarned, stderr);
    }
  },
});
