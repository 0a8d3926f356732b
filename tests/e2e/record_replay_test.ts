import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OWN_PROCESS, runProgram, startServer } from "../support/in_process.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("connect --record stores both directions with their times, and replay sends them again", async () => {
  await using echo = await startServer(["echo", ":0"]);
  await withFolder(async (folder) => {
    const file = `${folder}/talk.jsonl`;
    const recorded = await runProgram("client", ["connect", "--record", file, echo.endpoint], {
      input: Uint8Array.of(0x61, 0xff, 0x0a),
    });
    assertEquals(recorded.code, 0);
    const [head, ...lines] = (await Deno.readTextFile(file)).trim().split("\n").map((line) => JSON.parse(line));
    assertEquals([head.recording, head.endpoint, head.framing], [1, echo.endpoint, "raw"]);
    for (const from of ["client", "server"]) {
      const said = lines.filter((line) => line.from === from).map(({ at: _, ...rest }) => rest);
      assertEquals(said, [{ from, base64: "Yf8K" }, { from, end: true }]);
    }
    assert(lines.every(({ at }) => !Number.isNaN(Date.parse(at))));
    const replayed = await runProgram("client", ["replay", file, echo.endpoint]);
    assertEquals([replayed.code, [...replayed.stdoutBytes]], [0, [0x61, 0xff, 0x0a]]);
  });
});

Deno.test("replay exits 1 if a reply differs, and shows where", async () => {
  await using echo = await startServer(["echo", ":0", "--framing", "line"]);
  await using upper = await startServer(["echo", ":0", "--framing", "line", "--upper"]);
  await withFolder(async (folder) => {
    const file = `${folder}/talk.jsonl`;
    const args = ["connect", "--framing", "line", "--record", file, echo.endpoint];
    await runProgram("client", args, { input: "ONE\ntwo\n" });
    const replay = ["replay", "--timeout", "60s", file, upper.endpoint];
    const { code, stderr } = await runProgram("client", replay);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "  expected  two\n  received  TWO\n            ^ differs at byte 0");
    const ignoring = await runProgram("client", [...replay, "--ignore-replies"]);
    assertEquals(ignoring.code, 0);
  });
});

Deno.test("replay repeats a WebSocket session", async () => {
  await using echo = await startServer(["echo", "ws://127.0.0.1:0"]);
  await withFolder(async (folder) => {
    const file = `${folder}/talk.jsonl`;
    const args = ["connect", "--wait-reply", "300ms", "--record", file, echo.endpoint];
    assertEquals((await runProgram("client", args, { input: "one\ntwo\n" })).code, 0);
    const { code, stdout } = await runProgram("client", ["replay", file, echo.endpoint]);
    assertEquals([code, stdout], [0, "one\ntwo\n"]);
  });
});

Deno.test("a recording of lines with CR LF is replayed, also by a mock", async () => {
  await using upper = await startServer(["echo", ":0", "--framing", "line", "--upper"]);
  await withFolder(async (folder) => {
    const file = `${folder}/talk.jsonl`;
    const args = ["connect", "--framing", "line", "--crlf", "--record", file, upper.endpoint];
    assertEquals((await runProgram("client", args, { input: "one\ntwo\n" })).code, 0);
    await using mock = await startServer(["mock", file, ":0"]);
    for (const { endpoint } of [upper, mock]) {
      const { code, stdout } = await runProgram("client", ["replay", file, endpoint]);
      assertEquals([code, stdout], [0, "ONE\nTWO\n"]);
    }
  });
});

Deno.test("replay reports the invalid line of a recording", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/talk.jsonl`;
    await Deno.writeTextFile(file, '{"recording":1,"endpoint":"tcp://x:1","framing":"raw"}\n{"at":"never"}\n');
    const { code, stderr } = await runProgram("client", ["replay", file, ":1"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${file}, line 2: "at" is not a time`);
  });
});

Deno.test("connect --record and replay name the permission that is missing", async () => {
  await using echo = await startServer(["echo", ":0"]);
  const record = await runProgram("client", ["connect", "--record", "talk.jsonl", echo.endpoint], OWN_PROCESS);
  assertEquals([record.code, record.stderr.trim().split("\n").length], [8, 1]);
  assertStringIncludes(record.stderr, "--allow-write=talk.jsonl");
  const replay = await runProgram("client", ["replay", "talk.jsonl", echo.endpoint], OWN_PROCESS);
  assertEquals(replay.code, 8);
  assertStringIncludes(replay.stderr, "--allow-read=talk.jsonl");
});
