import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import type { Program } from "../../src/cli/command.ts";
import { FakeIo } from "../support/fake_io.ts";
import { startProgram } from "../support/in_process.ts";

/** The progress lines that a command shows if standard error is a terminal, "" where one is erased. */
async function progressOf(
  words: readonly string[],
  isTerminal = true,
  program: Program = clientProgram,
): Promise<string[]> {
  const io = new FakeIo();
  Object.assign(io, { stderr: { ...io.stderr, isTerminal } });
  await runProgram(program, words, io);
  return io.err.split("\r\x1b[2K").slice(1);
}

async function withEcho(use: (endpoint: string) => Promise<void>): Promise<void> {
  await using server = startProgram("server", ["echo", "tcp://127.0.0.1:0", "--print-endpoint", "--log-level", "off"]);
  await use(await server.line());
}

Deno.test("bench shows the plan and then each second, and erases the line", async () => {
  await withEcho(async (endpoint) => {
    const words = ["bench", endpoint, "-n", "4", "-c", "1"];
    const [plan, ...lines] = await progressOf(words);
    assertEquals(plan, `${endpoint}: 1 connections, 1 in flight, 64 B, 4 messages`);
    assertMatch(lines.at(-2) ?? "", /^1s {2}4\/s {2}p50 \S+ {2}p99 \S+$/);
    assertEquals(lines.at(-1), "");
    assertEquals(await progressOf(words, false), []);
  });
});

Deno.test("udp bench shows what it has sent and received, and erases the line", async () => {
  await using server = startProgram("udp", ["serve", "echo", "udp://127.0.0.1:0", "--print-endpoint"]);
  const words = ["bench", await server.line(), "--rate", "10/s", "--count", "7", "--wait", "10ms"];
  const lines = await progressOf(words, true, udpProgram);
  assertMatch(lines[0] ?? "", /^\d sent, \d received, jitter \d+\.\d{3} ms$/);
  assertEquals(lines.at(-1), "");
});

Deno.test("check --wait shows each failed attempt, and erases the line before the result", async () => {
  const words = ["check", "tcp://127.0.0.1:1", "--wait", "40ms"];
  const lines = await progressOf(words);
  assertEquals(lines[0], "waiting for tcp://127.0.0.1:1: connection refused (try 1)");
  assertEquals(lines.at(-1), "");
  assertEquals(await progressOf(words, false), []);
});

Deno.test("smoke shows how many tests are done, except after the last", async () => {
  const path = await Deno.makeTempFile();
  try {
    await withEcho(async (endpoint) => {
      const test = (name: string) =>
        `  - { name: ${name}, endpoint: "${endpoint}", steps: [{ send: a }, { expect: a }] }\n`;
      await Deno.writeTextFile(path, `tests:\n${["one", "two", "three"].map(test).join("")}`);
      assertEquals(await progressOf(["smoke", path]), ["1 of 3 done", "", "2 of 3 done", ""]);
      assertEquals(await progressOf(["smoke", path], false), []);
    });
  } finally {
    await Deno.remove(path);
  }
});
