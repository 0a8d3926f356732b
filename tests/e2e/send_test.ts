import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LinePeer, readTextToEnd, writeAll } from "../support/peer.ts";
import { closedPort } from "../support/ports.ts";
import { OWN_PROCESS, runProgram, startProgram, startServer } from "../support/in_process.ts";
import { resettingPeer } from "../support/resetting_peer.ts";
import { scriptedPeer } from "../support/scripted_peer.ts";

Deno.test("send prints the reply and exits 0", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, stdout } = await runProgram("client", ["send", "--wait", "100ms", echo.endpoint, "hi\\x21\\n"]);
  assertEquals([code, stdout], [0, "hi!\n"]);
});

Deno.test("send --framing prints one message, each on its line", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "length:4be"]);
  const { code, stdout } = await runProgram("client", ["send", "--framing", "length:4be", echo.endpoint, "hi"]);
  assertEquals([code, stdout], [0, "hi\n"]);
});

Deno.test("send exits 1 when the answer is not as expected, and shows where they differ", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const args = ["send", echo.endpoint, "status 404", "--expect", "status 200", "--timeout", "2s"];
  const { code, stdout, stderr } = await runProgram("client", args);
  assertEquals([code, stdout], [1, "status 404"]);
  assertMatch(stderr, /^parley-client: expected "status 200" from tcp:\S+, but "status 404" came\n/);
  assertStringIncludes(stderr, "\n  sent      status 404\n  expected  status 200\n  received  status 404\n");
  assertStringIncludes(stderr, "^ differs at byte 7");
});

Deno.test("send does several steps in the order of its flags, with captured groups", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const steps = ["id=7;", "--expect-regex", "id=(\\d+);", "--then", "get {1}", "--expect", "get 7"];
  const { code } = await runProgram("client", ["send", "-q", echo.endpoint, ...steps, "--expect-silence", "50ms"]);
  assertEquals(code, 0);
});

Deno.test("send takes data from standard input and from a file, and binary as hexadecimal digits", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const input = Uint8Array.of(0, 255, 1);
  const piped = await runProgram("client", ["send", echo.endpoint, "--expect-bytes", "00ff01"], { input });
  assertEquals([piped.code, [...piped.stdoutBytes]], [0, [...input]]);
  const hex = await runProgram("client", ["send", echo.endpoint, "--hex", "00 ff 01", "--expect-bytes", "ff01"]);
  assertEquals([hex.code, hex.stdout], [0, "00ff01\n"]);
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, input);
    const args = ["send", echo.endpoint, "--file", file, "--expect-bytes", "00ff01"];
    assertEquals((await runProgram("client", args)).code, 0);
    const refused = await runProgram("client", args, OWN_PROCESS);
    assertEquals([refused.code, refused.stderr.trim().split("\n").length], [8, 1]);
    assertStringIncludes(refused.stderr, "--allow-read");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("send does not wait for ever for the end of standard input", async () => {
  await using program = startProgram("client", ["send", ":1", "--timeout", "100ms"]);
  assertEquals(await program.exitCode(), 2);
});

Deno.test("send expects an end, a reset and silence", async () => {
  await using greeting = scriptedPeer(async (conn) => {
    await writeAll(conn, "bye");
    conn.close();
  });
  assertEquals(
    (await runProgram("client", ["send", greeting.endpoint, "", "--expect", "bye", "--expect-close"])).code,
    0,
  );
  await using resetting = await resettingPeer();
  assertEquals((await runProgram("client", ["send", resetting.endpoint, "x", "--expect-reset"])).code, 0);
  await using silent = scriptedPeer(() => {});
  assertEquals((await runProgram("client", ["send", silent.endpoint, "x", "--expect-silence", "50ms"])).code, 0);
});

Deno.test("send --end ends our side, so that a server that answers at the end answers", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const { code, stdout } = await runProgram("client", [
    "send",
    echo.endpoint,
    "x",
    "--end",
    "--expect",
    "x",
    "--expect-close",
  ]);
  assertEquals([code, stdout], [0, "x"]);
});

Deno.test("send --end prints the whole reply, although the server pauses for longer than 250 ms", async () => {
  for (const [wait, expected] of [[[], "one\ntwo\n"], [["--wait", "100ms"], "one\n"]] as const) {
    await using server = scriptedPeer(async (conn) => {
      await readTextToEnd(conn);
      await writeAll(conn, "one\n");
      await new Promise((resolve) => setTimeout(resolve, 600));
      await writeAll(conn, "two\n").catch(() => {});
      conn.close();
    });
    const { code, stdout } = await runProgram("client", ["send", server.endpoint, "x", "--end", ...wait]);
    assertEquals([code, stdout], [0, expected]);
  }
});

Deno.test("send --end exits 5 if the server does not close, and prints the reply", async () => {
  await using server = scriptedPeer(async (conn) => {
    await readTextToEnd(conn);
    await writeAll(conn, "part");
  });
  const args = ["send", server.endpoint, "x", "--end", "--timeout", "300ms"];
  const { code, stdout, stderr } = await runProgram("client", args);
  assertEquals([code, stdout], [5, "part"]);
  assertStringIncludes(stderr, "did not close the connection within 300ms of the last byte");
  const quiet = await runProgram("client", [...args, "--wait", "100ms"]);
  assertEquals([quiet.code, quiet.stdout, quiet.stderr], [0, "part", ""]);
});

Deno.test("send --no-reply does not wait", async () => {
  await using silent = scriptedPeer(() => {});
  assertEquals((await runProgram("client", ["send", silent.endpoint, "x", "--no-reply", "--timeout", "60s"])).code, 0);
});

Deno.test("send --json prints one object, also for a failure and without a connection", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const args = ["--expect", "no", "--timeout", "2s", "--json"];
  const wrong = JSON.parse((await runProgram("client", ["send", echo.endpoint, "hi", ...args])).stdout);
  assertEquals([wrong.ok, wrong.exitCode, wrong.error.name], [false, 1, "ExpectationError"]);
  assertEquals(wrong.unmatched, { text: "hi" });
  const refused = await runProgram("client", ["send", `:${closedPort()}`, "hi", ...args]);
  assertEquals(JSON.parse(refused.stdout).exitCode, 4);
});

Deno.test("send reports usage errors, and names the right flag", async () => {
  const misspelt = await runProgram("client", ["send", ":1", "hi", "--expct", "x"]);
  assertEquals(misspelt.code, 2);
  assertStringIncludes(misspelt.stderr, "did you mean --expect?");
  for (
    const words of [[], [":1", "a", "b"], [":1", "\\q"], [":1", "x", "--expect-regex", "("], [":1", "x", "--file", "y"]]
  ) {
    const { code, stderr } = await runProgram("client", ["send", ...words]);
    assertEquals(code, 2, stderr);
    assert(!stderr.includes(" at "), stderr);
  }
});

Deno.test("send with empty DATA sends nothing, and receives the server's first data", async () => {
  const heard: string[] = [];
  await using peer = scriptedPeer(async (conn) => {
    await writeAll(conn, "220 ready\n");
    const first = await new LinePeer(conn).line();
    if (first !== undefined) heard.push(first);
  });
  const words = ["send", peer.endpoint, "", "--framing", "line"];
  const hello = await runProgram("client", [...words, "--expect-regex", "^220", "--then", "EHLO me", "--no-reply"]);
  assertEquals([hello.code, hello.stdout, heard], [0, "220 ready\n", ["EHLO me"]], hello.stderr);
  assertEquals((await runProgram("client", words)).stdout, "220 ready\n");
  assertEquals((await runProgram("client", [...words, "--no-reply"])).code, 2);
});

Deno.test("send --binary over WebSocket sends bytes that are not text, and reports why the server closed", async () => {
  await using echo = await startServer(["echo", "ws://127.0.0.1:0", "--max-message", "1KiB"]);
  const bytes = await runProgram("client", ["send", "--binary", echo.endpoint, "\\xff", "--expect-bytes", "ff"]);
  assertEquals(bytes.code, 0, bytes.stderr);
  const large = await runProgram("client", ["send", "--binary", echo.endpoint, "x".repeat(2_000), "--expect", "x"]);
  assertEquals(large.code, 7);
  assertMatch(large.stderr, /closed the connection without a reply \(close code 1009[:)]/);
  const load = await runProgram("client", ["bench", echo.endpoint, "-c", "1", "-n", "1", "--size", "2000"]);
  assertEquals(load.code, 7);
  assertMatch(load.stdout, /closed the connection with 1 messages outstanding \(close code 1009[:)]/);
});

Deno.test("send exits 2 for data that the framing cannot encode", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const cases = [["line", "a\\nb"], ["fixed:4", "abc"], ["delimiter:;", "a;b"]];
  for (const [framing = "", data = ""] of cases) {
    const { code, stderr } = await runProgram("client", ["send", echo.endpoint, data, "--framing", framing]);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /^parley-client: Cannot send .* \(--framing\)\n/);
  }
});

Deno.test("send ends with 130 when it is interrupted", async () => {
  await using silent = scriptedPeer(() => {});
  await using program = startProgram("client", [
    "send",
    silent.endpoint,
    "x",
    "--timeout",
    "60s",
    "--log-level",
    "debug",
  ]);
  await program.errorLine(/connected/);
  program.kill("SIGINT");
  assertEquals(await program.exitCode(), 130);
});

Deno.test("send exits 2 for an argument that is not UTF-8, as a shell can pass it (fault 7)", async () => {
  const wrapper = ["sh", "-c", 'exec "$0" "$@" "$(printf \'a\\377b\')"'];
  const { code, stderr } = await runProgram("client", ["send", "127.0.0.1:1"], { wrapper });
  assertEquals(code, 2);
  assertMatch(stderr, /^parley-client: argument 3 is not UTF-8/);
});
