import { assertEquals, assertMatch } from "@std/assert";
import { runClient } from "../../support/run_client.ts";
import { closeFrameOf, codeOf, frameOf, scriptedWebSocket, type WebSocketPeer } from "../../support/websocket_peer.ts";

/** What the client sent last: the code of its Close frame, or "none". */
function closeRecorder() {
  const codes: (number | "none")[] = [];
  const record = async (peer: WebSocketPeer) => {
    for (let frame = await peer.frame(); frame !== undefined; frame = await peer.frame()) {
      if (frame.opcode === 8) return void codes.push(codeOf(frame));
    }
    codes.push("none");
  };
  return { codes, record };
}

/** A server that closes with a code after the first message, or at once. */
function closing(code: number, text: string, options: { isAtOnce?: boolean; reply?: string } = {}) {
  const { codes, record } = closeRecorder();
  const server = scriptedWebSocket(async (peer) => {
    if (!options.isAtOnce) await peer.frame();
    if (options.reply !== undefined) await peer.send(frameOf({ opcode: 1, payload: options.reply, isMasked: false }));
    await peer.send(code === 1005 ? frameOf({ opcode: 8, isMasked: false }) : serverClose(code, text));
    await record(peer);
  });
  return { ...server, codes };
}

function serverClose(code: number, text: string): Uint8Array {
  const payload = Uint8Array.of(code >> 8, code & 0xff, ...new TextEncoder().encode(text));
  return frameOf({ opcode: 8, payload, isMasked: false });
}

for (const [code, text] of [[1008, "not here"], [1011, ""], [4001, "kicked"]] as const) {
  Deno.test(`connect exits 7 and answers when the server closes with ${code} (fault 9)`, async () => {
    await using server = closing(code, text);
    const { code: exit, stdout, stderr } = await runClient(["connect", server.endpoint], "hi\n");
    assertEquals([exit, stdout], [7, ""]);
    const why = text === "" ? `${code}` : `${code}: ${text}`;
    assertMatch(stderr, new RegExp(`^parley-client: ws://\\S+ closed the WebSocket \\(close code ${why}\\)\n$`));
    assertEquals(server.codes, [code]);
  });
}

for (const code of [1000, 1001, 1005]) {
  Deno.test(`connect exits 0 and answers when the server closes with ${code} (fault 9)`, async () => {
    await using server = closing(code, "", { reply: "bye" });
    assertEquals(await runClient(["connect", server.endpoint], "hi\n"), { code: 0, stdout: "bye\n", stderr: "" });
    assertEquals(server.codes, [code]);
  });
}

Deno.test("connect exits 7 when the server closes in order before all input was sent (fault 9)", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = scriptedWebSocket(async (peer) => {
    await peer.frame();
    await peer.send(serverClose(1000, ""));
    assertEquals((await peer.frame())?.opcode, 8);
    closed.resolve();
  });
  const lines = [() => "hi\n", () => closed.promise.then(() => "too late\n")];
  const { code, stderr } = await runClient(["connect", server.endpoint], async () => await lines.shift()?.() ?? null);
  assertEquals(code, 7);
  assertMatch(stderr, /closed the connection before all input was sent/);
});

Deno.test("connect leaves with a Close frame when its own wait ends (fault 9)", async () => {
  const { codes, record } = closeRecorder();
  await using server = scriptedWebSocket(record);
  const { code } = await runClient(["connect", "--wait-reply", "50ms", server.endpoint], "hi\n");
  assertEquals([code, codes], [5, [1000]]);
});

Deno.test("send ends with a Close frame after an unexpected reply, silence and a bad file (fault 9)", async () => {
  for (const [reply, exit] of [["no", 1], [undefined, 5]] as const) {
    const { codes, record } = closeRecorder();
    await using server = scriptedWebSocket(async (peer) => {
      await peer.frame();
      if (reply !== undefined) await peer.send(frameOf({ opcode: 1, payload: reply, isMasked: false }));
      await record(peer);
    });
    const { code } = await runClient(["send", "--timeout", "100ms", server.endpoint, "hi", "--expect", "yes"]);
    assertEquals([code, codes], [exit, [1000]]);
  }
});

Deno.test("send exits 7 with code and reason when the server closes in place of a reply (fault 9)", async () => {
  await using server = closing(1008, "not here");
  const { code, stderr } = await runClient(["send", server.endpoint, "hi"]);
  assertEquals(code, 7);
  assertMatch(stderr, /close code 1008: not here/);
  assertEquals(server.codes, [1008]);
});

Deno.test("send exits 7 when an abnormal close follows the reply that was printed (fault 9)", async () => {
  await using server = closing(1011, "out of memory", { reply: "half of it" });
  const { code, stdout, stderr } = await runClient(["send", server.endpoint, "hi"]);
  assertEquals([code, stdout], [7, "half of it\n"]);
  assertMatch(stderr, /close code 1011: out of memory/);
});

Deno.test("send --expect-close CODE passes for that code only (fault 9)", async () => {
  for (const [expected, exit] of [["--expect-close=1008", 0], ["--expect-close=1011", 1], ["--expect-close", 7]]) {
    await using server = closing(1008, "policy");
    const { code, stderr } = await runClient(["send", "-q", server.endpoint, "hi", String(expected)]);
    assertEquals(code, exit, stderr);
  }
  await using server = closing(1000, "");
  assertEquals((await runClient(["send", server.endpoint, "hi", "--expect-close"])).code, 0);
  await using other = closing(1000, "");
  assertEquals((await runClient(["send", other.endpoint, "--expect-close", "1000", "hi"])).code, 0);
});

Deno.test("send --expect-close rejects an empty code, invalid codes, and a code without WebSocket (fault 9)", async () => {
  const wrong = [["--expect-close="], ["--expect-close", ""], ["--expect-close", "999"], ["--expect-close=5000"]];
  for (const words of wrong) {
    assertEquals((await runClient(["send", "ws://127.0.0.1:1", "hi", ...words])).code, 2, words.join(" "));
  }
  const { code, stderr } = await runClient(["send", "tcp://127.0.0.1:1", "hi", "--expect-close", "1008"]);
  assertEquals(code, 2);
  assertMatch(stderr, /--expect-close needs an endpoint with ws:/);
});

Deno.test("check ws:// leaves with a Close frame, also when it fails (fault 9)", async () => {
  for (
    const [flags, exit] of [[[], 0], [["--banner", "x", "--timeout", "100ms"], 5], [["--status", "200"], 1]] as const
  ) {
    const { codes, record } = closeRecorder();
    await using server = scriptedWebSocket(record);
    assertEquals([(await runClient(["check", ...flags, server.endpoint])).code, codes], [exit, [1000]]);
  }
});

Deno.test("bench ws:// leaves each connection with a Close frame (fault 9)", async () => {
  const { codes, record } = closeRecorder();
  await using server = scriptedWebSocket(record);
  const { code } = await runClient(["bench", server.endpoint, "-c", "1", "-n", "1", "--timeout", "100ms"]);
  assertEquals(code, 5);
  assertEquals(codes.every((code) => code !== "none"), true, JSON.stringify(codes));
});

Deno.test("a Close frame of the client is well formed when the server breaks the protocol (fault 9)", async () => {
  const { codes, record } = closeRecorder();
  await using server = scriptedWebSocket(async (peer) => {
    await peer.send(closeFrameOf(1000)); // masked, which a server must not do (RFC 6455, section 5.1)
    await record(peer);
  });
  const { code } = await runClient(["send", server.endpoint, "hi", "--expect", "x"]);
  assertEquals([code, codes], [1, [1002]]);
});
