import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readToEnd, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { runProgram, startProgram, startServer } from "../support/in_process.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

Deno.test("connect sends 10 MB and prints them back unchanged, both directions at once", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const input = new Uint8Array(10_000_000);
  for (let at = 0; at < input.length; at += 65_536) crypto.getRandomValues(input.subarray(at, at + 65_536));
  const { code, stdoutBytes } = await runProgram("client", ["connect", echo.endpoint], { input });
  assertEquals([code, stdoutBytes.length], [0, input.length]);
  assert(stdoutBytes.every((byte, index) => byte === input[index]));
});

Deno.test("connect prints a reply that arrives one second after the end of input", async () => {
  await using late = scriptedPeer(async (conn) => {
    const request = await readToEnd(conn);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await writeAll(conn, `late ${request.length}`);
    conn.close();
  });
  const { code, stdout } = await runProgram("client", ["connect", late.endpoint], { input: "12345" });
  assertEquals([code, stdout], [0, "late 5"]);
});

Deno.test("connect exits 5 after the deadline when the peer never ends, and has printed the received data", async () => {
  await using endless = scriptedPeer((conn) => writeAll(conn, "here"));
  const startMs = performance.now();
  const { code, stdout, stderr } = await runProgram("client", ["connect", "--wait-reply", "400ms", endless.endpoint]);
  assertEquals([code, stdout], [5, "here"]);
  assertMatch(
    stderr,
    /^parley-client: tcp:\/\/127\.0\.0\.1:\d+ did not close the connection within 400ms of the last byte\n$/,
  );
  assert(performance.now() - startMs >= 400);
});

Deno.test("connect exits 7 when the peer resets the connection", async () => {
  await using resetting = await resettingPeer();
  const { code, stderr } = await runProgram("client", ["connect", resetting.endpoint], { input: "12" });
  assertEquals(code, 7);
  assertEquals(stderr.split("\n").length, 2);
});

Deno.test("connect prints the peer's last words before it exits 7 for input that was not taken", async () => {
  await using refusing = scriptedPeer(async (conn) => {
    await conn.read(new Uint8Array(10));
    await writeAll(conn, "too big\n");
    conn.close();
  });
  const input = new Uint8Array(8_000_000);
  const { code, stdout } = await runProgram("client", ["connect", refusing.endpoint], { input });
  assertEquals([code, stdout], [7, "too big\n"]);
});

Deno.test("connect exits 7 when there is input after the peer has closed", async () => {
  await using leaving = scriptedPeer(async (conn) => {
    await conn.read(new Uint8Array(10));
    conn.close();
  });
  await using program = startProgram("client", ["connect", "--log-level", "debug", leaving.endpoint]);
  await program.type("hello\n");
  await program.errorLine(/the peer has ended/);
  await program.type("too late\n");
  assertEquals((await program.outcome()).code, 7);
});

Deno.test("connect ends with the peer when there is no more input", async () => {
  await using leaving = scriptedPeer(async (conn) => {
    await writeAll(conn, "bye\n");
    conn.close();
  });
  await using program = startProgram("client", ["connect", "--wait-reply", "200ms", leaving.endpoint]);
  assertEquals(await program.line(), "bye");
  assertEquals(await program.exitCode(), 0);
});

Deno.test("connect keeps sending to a peer that has ended its own side", async () => {
  const received = Promise.withResolvers<string>();
  await using halfClosed = scriptedPeer(async (conn) => {
    await writeAll(conn, "first\n");
    await conn.closeWrite();
    received.resolve(new TextDecoder().decode(await readToEnd(conn)));
    conn.close();
  });
  await using program = startProgram("client", ["connect", "--log-level", "debug", halfClosed.endpoint]);
  await program.type("one ");
  await program.errorLine(/the peer has ended/);
  await program.type("two");
  assertEquals((await program.outcome()).code, 0);
  assertEquals(await received.promise, "one two");
});

Deno.test("connect works over a Unix socket", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using echo = await startServer(["echo", `unix:${folder}/s`]);
    const outcome = await runProgram("client", ["connect", echo.endpoint], { input: "a\nb\n" });
    assertEquals([outcome.code, outcome.stdout], [0, "a\nb\n"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("connect --framing sends each line as a message and prints each message as a line", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "length:4be", "--prefix", "> "]);
  const args = ["connect", "--framing", "length:4be", echo.endpoint];
  const { code, stdout } = await runProgram("client", args, { input: "one\r\ntwo\nthree" });
  assertEquals([code, stdout], [0, "> one\n> two\n> three\n"]);
});

Deno.test("connect --crlf sends each line end as CR LF", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { stdout } = await runProgram("client", ["connect", "--crlf", echo.endpoint], { input: "a\nb\r\n\nc" });
  assertEquals(stdout, "a\r\nb\r\n\r\nc");
});

Deno.test("connect reports each failure in one line, with its exit code", async () => {
  const refused = await runProgram("client", ["connect", `tcp://127.0.0.1:${closedPort()}`]);
  assertEquals([refused.code, refused.stderr.trim().split("\n").length], [4, 1]);
  assertStringIncludes(refused.stderr, "connection refused");
  assertEquals((await runProgram("client", ["connect", "nobody.invalid:1"])).code, 3);
  assertEquals((await runProgram("client", ["connect"])).code, 2);
  assertEquals((await runProgram("client", ["connect", ":1", ":2"])).code, 2);
});

Deno.test("connect sends lines as WebSocket messages, and bytes as they are with --framing raw", async () => {
  await using echo = await startServer(["echo", "ws://127.0.0.1:0"]);
  const wait = ["--wait-reply", "1s"];
  const lines = await runProgram("client", ["connect", ...wait, echo.endpoint], { input: "one\r\ntwo" });
  assertEquals([lines.code, lines.stdout], [0, "one\ntwo\n"]);
  const input = crypto.getRandomValues(new Uint8Array(60_000));
  const raw = await runProgram("client", ["connect", ...wait, "--framing", "raw", echo.endpoint], { input });
  assertEquals([raw.code, raw.stdoutBytes.length], [0, input.length]);
  assert(raw.stdoutBytes.every((byte, index) => byte === input[index]));
});

Deno.test("connect suspends deadlines while its own reader is stalled", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const command =
    `head -c 8000000 /dev/zero | "$0" run -N "$1" connect --wait-reply 300ms "$2" | { sleep 1.5; wc -c; }`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", command, Deno.execPath(), new URL("../../src/client.ts", import.meta.url).pathname, echo.endpoint],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "8000000");
});

Deno.test("connect --hex takes and prints hexadecimal digits, a message a line", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "fixed:2"]);
  const args = ["connect", "--hex", "--framing", "fixed:2", echo.endpoint];
  const { code, stdout } = await runProgram("client", args, { input: "00 ff\n0a0b\n" });
  assertEquals([code, stdout], [0, "00ff\n0a0b\n"]);
  assertEquals((await runProgram("client", args, { input: "xyz\n" })).code, 2);
});

Deno.test("connect exits 2 for input that the framing cannot encode", async () => {
  await using echo = await startServer(["echo", ":0"]);
  for (const input of ["abc\n", "abcd\nabc\nabcd\n"]) {
    const { code, stderr } = await runProgram("client", ["connect", "--framing", "fixed:4", echo.endpoint], { input });
    assertEquals(code, 2);
    assertStringIncludes(stderr, "Cannot send 3 bytes: each message has 4 (--framing)");
  }
});
