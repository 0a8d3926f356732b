import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { bind } from "../../../src/factory.ts";
import { UsageError } from "../../../src/base/errors.ts";
import { groupOptionsOf } from "../../../src/commands/udp/send_command.ts";
import { formatEndpoint, parseEndpoint } from "../../../src/net/endpoint.ts";
import { bindSilent } from "../../support/datagram_peer.ts";
import { runProgram, startProgram, startUdpServer } from "../../support/in_process.ts";
import { portOf } from "../../support/ports.ts";
import { ipv6Test } from "../../support/tools.ts";

const ANY = "udp://127.0.0.1:0";

function jsonLines(text: string): Record<string, unknown>[] {
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/** Replies come to several sockets, so their order is not fixed. */
function sortedLines(text: string): string[] {
  return text.replace(/\n$/, "").split("\n").toSorted();
}

Deno.test("send prints the reply", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  const { code, stdout, stderr } = await runProgram("udp", ["send", started.endpoint, "hello"]);
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "HELLO\n", stderr: "" });
});

Deno.test("send takes hex, and standard input as one datagram", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  const hex = await runProgram("udp", ["send", started.endpoint, "--hex", "ff 00", "--json"]);
  assertEquals(jsonLines(hex.stdout)[0]?.replies, [
    { from: started.endpoint, size: 2, isTruncated: false, hex: "ff00" },
  ]);
  const input = await runProgram("udp", ["send", started.endpoint], { input: "a\nb\n" });
  assertEquals(input.stdout, "a\nb\n");
});

Deno.test("send --lines sends each line of standard input as it is, and prints the replies", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  const args = ["send", started.endpoint, "--lines"];
  const { code, stdout, stderr } = await runProgram("udp", args, { input: "a{seq}\\n\r\n\nc" });
  assertEquals({ code, lines: sortedLines(stdout) }, { code: 0, lines: ["", "A{SEQ}\\N", "C"] });
  assertStringIncludes(stderr, "3 sent, 3 answered, 0 lost (0%)");
});

Deno.test("send --lines sends a line before the next one is typed, and ends with SIGTERM between two", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  await using sending = startProgram("udp", ["send", started.endpoint, "--lines"]);
  for (const text of ["one", "two"]) {
    await sending.type(`${text}\n`);
    assertEquals(await sending.line(), text);
  }
  sending.kill("SIGTERM");
  assertEquals(await sending.exitCode(), 143);
});

for (
  const [words, input, message] of [
    [["hello"], "a\n", "--lines and DATA cannot be combined"],
    [["--hex", "00"], "a\n", "--lines and --hex cannot be combined"],
    [["--file", "x"], "a\n", "--lines and --file cannot be combined"],
    [["--count", "2"], "a\n", "--lines and --count cannot be combined"],
    [[], "", "standard input has no line to send"],
    [["--one-way"], "", ""],
    [[], "x".repeat(65_508), "one datagram carries at most 65507"],
  ] as const
) {
  const what = message === "" ? "accepts" : "rejects";
  Deno.test(`send --lines ${what} ${words.join(" ")} with ${input.length} bytes of input`, async () => {
    using silent = bindSilent();
    const { code, stderr } = await runProgram("udp", ["send", silent.endpoint, "--lines", ...words], { input });
    assertEquals(code, message === "" ? 0 : 2, stderr);
    assertStringIncludes(stderr, message);
  });
}

Deno.test("send --count numbers the datagrams and sums up", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  const { code, stdout, stderr } = await runProgram("udp", ["send", started.endpoint, "n{seq}", "--count", "3"]);
  assertEquals({ code, lines: sortedLines(stdout) }, { code: 0, lines: ["N1", "N2", "N3"] });
  assertStringIncludes(stderr, "3 sent, 3 answered, 0 lost (0%)");
});

Deno.test("send exits 5 and lists the datagrams without a reply when the peer is silent (abuse 43)", async () => {
  using silent = bindSilent();
  const { code, stdout, stderr } = await runProgram("udp", [
    ...["send", silent.endpoint, "hello", "--count", "2", "--timeout", "300ms", "--retries", "1"],
  ]);
  assertEquals({ code, stdout }, { code: 5, stdout: "" });
  assertStringIncludes(stderr, `no reply to datagram 1 from ${silent.endpoint} in time`);
  assertStringIncludes(stderr, "no reply to 1-2");
  assertStringIncludes(stderr, "2 retries");
});

Deno.test("send exits 4 when the port is closed (abuse 43)", async () => {
  let endpoint: string;
  {
    using gone = bindSilent();
    endpoint = gone.endpoint;
  }
  const { code, stderr } = await runProgram("udp", ["send", endpoint, "hello"]);
  assertEquals(code, 4);
  assertEquals(stderr, `no reply: port closed at ${endpoint}\n`);
});

Deno.test("send rejects 65,508 bytes with exit code 2 and the limit (abuse 41)", async () => {
  using silent = bindSilent();
  const { code, stderr } = await runProgram("udp", ["send", silent.endpoint], { input: new Uint8Array(65_508) });
  assertEquals(code, 2);
  assertStringIncludes(stderr, "one datagram carries at most 65507");
});

const SPELLINGS = [
  [Deno.test, ANY, ["0.0.0.0", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0.0.0.0]"]],
  [ipv6Test, "udp://[::1]:0", ["[0::1]", "[0:0:0:0:0:0:0:1]", "[::]"]],
] as const;

for (const [test, endpoint, hosts] of SPELLINGS) {
  test(`send accepts the reply of ${endpoint} however the target's address is written (fault 13)`, async () => {
    await using echo = await startUdpServer(["echo", endpoint]);
    for (const host of hosts) {
      const target = `udp://${host}:${portOf(echo.endpoint)}`;
      const { code, stdout, stderr } = await runProgram("udp", ["send", target, "hi", "--timeout", "5s"]);
      assertEquals({ code, stdout, stderr }, { code: 0, stdout: "hi\n", stderr: "" }, target);
    }
  });
}

Deno.test("send reports a reply from another address (fault 13)", async () => {
  await using target = await bind(ANY);
  await using other = await bind(ANY);
  const answering = (async () => {
    const from = (await target.receive())?.from;
    if (from) await other.send(Uint8Array.of(0x68), from);
  })();
  const endpoint = formatEndpoint(target.endpoint);
  const { code, stderr } = await runProgram("udp", ["send", endpoint, "hi", "--timeout", "500ms"]);
  await answering;
  assertEquals(code, 5);
  assertEquals(
    stderr,
    `no reply from ${endpoint} in time, but a reply came from ${formatEndpoint(other.endpoint)}\n`,
  );
});

Deno.test("send --literal sends {seq} as it is (fault 32)", async () => {
  await using started = await startUdpServer(["echo", ANY]);
  const { stdout } = await runProgram("udp", ["send", started.endpoint, "{seq} \\n", "--literal", "-c", "2"]);
  assertEquals(stdout, "{seq} \\n\n{seq} \\n\n");
});

Deno.test("send rejects expectations that every reply would meet, with exit code 2 (fault 16)", async () => {
  for (
    const flags of [
      ["--expect", ""],
      ["--expect-regex", ""],
      ["--expect-bytes", ""],
      ["--expect-bytes", " : "],
      ["--expect-silence", ""],
      ["--bind", ""],
      ["--interface", ""],
      ["--one-way", "--expect", "x"],
      ["--expect-silence", "1s", "--expect", "x"],
    ]
  ) {
    const { code, stderr } = await runProgram("udp", ["send", "udp://127.0.0.1:9", "x", ...flags]);
    assertEquals([code, stderr.split("\n").length], [2, 3], `${flags.join(" ")}: ${stderr}`);
  }
});

Deno.test("send --match port with one local port and several datagrams exits 2", async () => {
  const { code } = await runProgram("udp", [
    ...["send", "udp://127.0.0.1:9", "x", "--bind", "127.0.0.1:5999", "--match", "port", "-c", "2"],
  ]);
  assertEquals(code, 2);
});

Deno.test("send exits 3 when the name is not known", async () => {
  const { code } = await runProgram("udp", ["send", "udp://no-such-host.invalid:5000", "hello"]);
  assertEquals(code, 3);
});

Deno.test("send --expect and similar flags exit 1 for an unexpected reply, 0 for the expected one", async () => {
  await using started = await startUdpServer(["upper", ANY]);
  const codeOf = async (...flags: string[]) =>
    (await runProgram("udp", ["send", started.endpoint, "ping", ...flags])).code;
  assertEquals(await codeOf("--expect", "PING"), 0);
  assertEquals(await codeOf("--expect", "pong"), 1);
  assertEquals(await codeOf("--expect-regex", "^P.NG$"), 0);
  assertEquals(await codeOf("--expect-bytes", "50 49"), 0);
  assertEquals(await codeOf("--expect-silence", "1s"), 1);
});

Deno.test("send --expect-silence exits 0 when nothing is received", async () => {
  using silent = bindSilent();
  const { code, stderr } = await runProgram("udp", ["send", silent.endpoint, "x", "--expect-silence", "200ms"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("send --one-way waits for no reply", async () => {
  using silent = bindSilent();
  const { code, stderr } = await runProgram("udp", ["send", silent.endpoint, "x", "-c", "3", "--one-way"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "3 sent\n" });
});

Deno.test("send sums up and exits 130 on SIGINT", { ignore: Deno.build.os === "windows" }, async () => {
  await using started = await startUdpServer(["echo", ANY]);
  await using send = startProgram("udp", ["send", started.endpoint, "x", "-c", "1000", "-i", "1m"]);
  assertEquals(await send.line(), "x");
  send.kill("SIGINT");
  const { code, stderr } = await send.outcome();
  assertEquals(code, 130);
  assertStringIncludes(stderr, "1 sent, 1 answered, 0 lost");
});

Deno.test("send rejects an endpoint that is not for datagrams, with exit code 2", async () => {
  for (const endpoint of ["tcp://127.0.0.1:9", "udp://127.0.0.1:0", "udp://127.0.0.1:65536", "udp://999.1.1.1:9"]) {
    const { code, stderr } = await runProgram("udp", ["send", endpoint, "x"]);
    assertEquals(code, 2, stderr);
  }
});

Deno.test("groupOptionsOf() takes IPv4 through a membership, IPv6 through socket options, and groups alone", () => {
  const optionsOf = (target: string, ttl?: number, name?: string) =>
    groupOptionsOf({ ttl, interface: name }, parseEndpoint(target));
  const [v4, v6] = ["udp://239.0.0.7:5000", "udp://[ff02::7]:5000"];
  assertEquals([optionsOf("udp://127.0.0.1:5"), optionsOf(v6)], [{}, {}]);
  assertEquals(optionsOf(v4, 3), { ttl: 3, groups: ["239.0.0.7"] });
  assertEquals(optionsOf(v4, undefined, "lo"), { interface: "lo" });
  assertEquals(optionsOf(v4, 3, "lo"), { ttl: 3, groups: ["239.0.0.7"], interface: "lo" });
  assertEquals(optionsOf(v6, 3), { socketOptions: { multicastHops: 3, multicastInterface: undefined } });
  assertEquals(optionsOf(v6, undefined, "1"), {
    socketOptions: { multicastHops: undefined, multicastInterface: 1 },
  });
  assertThrows(() => optionsOf("udp://127.0.0.1:5", 3), UsageError, "--ttl applies to multicast groups only");
  assertThrows(() => optionsOf("unixgram:/tmp/x", undefined, "lo"), UsageError, "--interface applies to multicast");
});
