import { assertEquals, assertStringIncludes } from "@std/assert";
import { readToEnd } from "../../support/peer.ts";
import { runClient } from "../../support/run_client.ts";
import { scriptedPeer } from "../../support/scripted_peer.ts";
import { frameOf, scriptedWebSocket } from "../../support/websocket_peer.ts";
import { withFile } from "../../support/temporary.ts";

const TEXT = 1;
const BINARY = 2;

/** Echoes each message in its own type, or in `opcode`, and remembers the types that came. */
function typedEcho(opcode?: number) {
  const types: number[] = [];
  const server = scriptedWebSocket(async (peer) => {
    for (let frame = await peer.frame(); frame !== undefined; frame = await peer.frame()) {
      if (frame.opcode !== 8) types.push(frame.opcode);
      const type = frame.opcode === 8 ? 8 : opcode ?? frame.opcode;
      await peer.send(frameOf({ opcode: type, payload: frame.payload, isMasked: false }));
      if (frame.opcode === 8) return;
    }
  });
  return { ...server, types };
}

Deno.test("send takes the type of a WebSocket message from its source and from --text and --binary (fault 6)", async () => {
  await withFile("looks like text", async (file) => {
    const cases: [words: string[], type: number, input?: string][] = [
      [["hi"], TEXT],
      [["--binary", "hi"], BINARY],
      [["--hex", "6869"], BINARY],
      [["--hex", "--text", "6869"], TEXT],
      [["--file", file], BINARY],
      [["--text", "--file", file], TEXT],
      [[], TEXT, "hi"],
      [["--binary"], BINARY, "hi"],
    ];
    for (const [words, type, input] of cases) {
      await using echo = typedEcho();
      const { code, stderr } = await runClient(["send", "-q", echo.endpoint, ...words], input);
      assertEquals([code, echo.types], [0, [type]], `${words}: ${stderr}`);
    }
  });
});

Deno.test("connect sends lines as text, hexadecimal digits as binary, unless flags set the type (fault 6)", async () => {
  const cases: [words: string[], type: number][] = [
    [[], TEXT],
    [["--binary"], BINARY],
    [["--hex"], BINARY],
    [["--hex", "--text"], TEXT],
    [["--framing", "raw"], BINARY],
    [["--framing", "raw", "--text"], TEXT],
  ];
  for (const [words, type] of cases) {
    await using echo = typedEcho();
    const { code } = await runClient(["connect", "--wait-reply", "50ms", ...words, echo.endpoint], "6869\n");
    assertEquals([code, echo.types], [0, [type]], words.join(" "));
  }
});

Deno.test("send and connect refuse text that is not UTF-8, both types at once, and a type without WebSocket (fault 6)", async () => {
  await using echo = typedEcho();
  const bad: [words: string[], says: string][] = [
    [["send", echo.endpoint, "\\xff"], "--binary"],
    [["send", "--text", "--binary", "ws://:1", "x"], "cannot be combined"],
    [["send", "--text", "tcp://:1", "x"], "--text needs an endpoint with ws://"],
    [["connect", "--binary", "tcp://:1"], "--binary needs an endpoint with ws://"],
    [["send", "ws://:1", "x", "--expect-type", "text"], "--expect-type must follow"],
    [["send", "tcp://:1", "x", "--expect", "x", "--expect-type", "text"], "--expect-type needs an endpoint with ws://"],
  ];
  for (const [words, says] of bad) {
    const { code, stderr } = await runClient(words);
    assertEquals(code, 2, words.join(" "));
    assertStringIncludes(stderr, says);
  }
  assertEquals(echo.types, []);
});

Deno.test("send --expect-type compares the type, and --json reports it (fault 6)", async () => {
  for (const [opcode, code] of [[TEXT, 0], [BINARY, 1]] as const) {
    await using echo = typedEcho(opcode);
    const words = [
      "send",
      "--json",
      "--timeout",
      "200ms",
      echo.endpoint,
      "hi",
      "--expect",
      "hi",
      "--expect-type",
      "text",
    ];
    const outcome = await runClient(words);
    assertEquals(outcome.code, code);
    const report = JSON.parse(outcome.stdout);
    assertEquals(report.steps[0].type, "text");
    if (code === 0) assertEquals(report.steps[1].type, "text");
    else assertStringIncludes(report.error.message, 'expected text "hi" from');
    if (code === 1) assertStringIncludes(report.error.message, "but it came as a binary message");
  }
});

Deno.test("send reports that only the type differs, without a difference of bytes (fault 52)", async () => {
  for (const expectation of [["--expect", "hi"], ["--expect-bytes", "6869"], ["--expect-regex", "h."]]) {
    await using echo = typedEcho(BINARY);
    const words = ["send", "--timeout", "200ms", echo.endpoint, "hi", ...expectation, "--expect-type", "text"];
    const { code, stderr } = await runClient(words);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "but it came as a binary message\n");
    assertEquals(/differs at byte/.test(stderr), false, stderr);
  }
  await using echo = typedEcho(BINARY);
  const both = await runClient([
    "send",
    "--timeout",
    "200ms",
    echo.endpoint,
    "hi",
    "--expect",
    "ho",
    "--expect-type",
    "text",
  ]);
  assertStringIncludes(both.stderr, 'expected text "ho" from');
  assertStringIncludes(both.stderr, "differs at byte 1");
});

Deno.test("connect --record keeps the type of each message, and replay sends and compares it (fault 6)", async () => {
  const file = await Deno.makeTempFile();
  try {
    await using binary = typedEcho();
    await runClient(["connect", "--binary", "--wait-reply", "50ms", "--record", file, binary.endpoint], "hi\n");
    const lines = (await Deno.readTextFile(file)).trim().split("\n").slice(1).map((line) => JSON.parse(line));
    const messages = lines.filter((line) => line.text !== undefined);
    assertEquals(messages.map(({ from, type, text }) => [from, type, text]), [
      ["client", "binary", "hi"],
      ["server", "binary", "hi"],
    ]);
    await using same = typedEcho();
    assertEquals([(await runClient(["replay", file, same.endpoint])).code, same.types], [0, [BINARY]]);
    await using other = typedEcho(TEXT);
    assertEquals([(await runClient(["replay", file, other.endpoint])).code, other.types], [1, [BINARY]]);
    await Deno.writeTextFile(file, (await Deno.readTextFile(file)).replace('"binary"', '"blob"'));
    const bad = await runClient(["replay", file, same.endpoint]);
    assertEquals(bad.code, 2);
    assertStringIncludes(bad.stderr, '"type" is neither "text" nor "binary"');
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("connect --crlf sends CR LF with --framing line, whatever the input's line ends are (fault 8)", async () => {
  for (
    const [words, sent] of [
      [["--framing", "line", "--crlf"], "a\r\nb\r\n\r\n"],
      [["--framing", "line"], "a\nb\r\n\n"],
      [["--crlf"], "a\r\nb\r\n\r\n"],
      [[], "a\nb\r\n\n"],
    ] as const
  ) {
    const received = Promise.withResolvers<string>();
    await using peer = scriptedPeer(async (conn) => {
      received.resolve(new TextDecoder().decode(await readToEnd(conn)));
      conn.close();
    });
    assertEquals((await runClient(["connect", ...words, peer.endpoint], "a\nb\r\n\n")).code, 0);
    assertEquals(await received.promise, sent, words.join(" "));
  }
});

Deno.test("connect --crlf is rejected if there is no line end to change (fault 8)", async () => {
  const wrong = [["--hex"], ["--framing", "length:4be"], ["--framing", "delimiter:;"], ["--framing", "fixed:4"]];
  for (const words of wrong) {
    assertEquals((await runClient(["connect", "--crlf", ...words, ":1"])).code, 2, words.join(" "));
  }
  assertEquals((await runClient(["connect", "--crlf", "ws://:1"])).code, 2);
});

Deno.test("the SMTP example of send --help sends CR LF (fault 8)", async () => {
  const help = (await runClient(["send", "--help"])).stdout.replaceAll(/ \\\n\s+/g, " ");
  const example = help.split("\n").find((line) => line.includes("EHLO")) ?? "";
  const words = [...example.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  const received = Promise.withResolvers<string>();
  await using server = scriptedPeer(async (conn) => {
    await conn.write(new TextEncoder().encode("220 mail ESMTP\r\n"));
    const buffer = new Uint8Array(100);
    received.resolve(new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0)));
    await conn.write(new TextEncoder().encode("250 hello\r\n"));
    await readToEnd(conn);
    conn.close();
  });
  const args = words.slice(words.indexOf("send"), words.indexOf("250") + 1).map((word) =>
    word === ":2525" ? server.endpoint : word
  );
  assertEquals((await runClient(args)).code, 0, args.join(" "));
  assertEquals(await received.promise, "EHLO me\r\n");
});

Deno.test("check --send over WebSocket sends text, and rejects invalid UTF-8 (fault 6)", async () => {
  await using echo = typedEcho();
  assertEquals((await runClient(["check", "--send", "hi", "--banner", "^hi$", echo.endpoint])).code, 0);
  const { code, stdout } = await runClient(["check", "--send", "\\xff", "--wait", "5s", echo.endpoint]);
  assertEquals([code, echo.types], [2, [TEXT]]);
  assertStringIncludes(stdout, "invalid UTF-8");
});
