import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadProgram } from "../../src/cli/command.ts";
import { bashCompletions } from "../../src/cli/completions/bash.ts";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { TOPICS } from "../../src/manual/topics.ts";
import { fakeEnv } from "../support/fake_env.ts";
import { FakeIo } from "../support/fake_io.ts";
import { toolTest } from "../support/tools.ts";

async function run(...argv: string[]) {
  const io = new FakeIo();
  const code = await runProgram(clientProgram, argv, io);
  return { code, out: io.out, err: io.err };
}

/** A terminal of this width in columns. */
function terminal(columns: number): FakeIo {
  const io = new FakeIo();
  Object.assign(io.stdout, { isTerminal: true, columns });
  return io;
}

Deno.test("help TOPIC wraps every page at 80 columns, except examples and long words", async () => {
  for (const { name } of TOPICS) {
    const { code, out, err } = await run("help", name);
    assertEquals([code, err], [0, ""], name);
    for (const line of out.split("\n")) {
      assert(line.length <= 80 || line.startsWith("    ") || !line.trim().includes(" "), `${name}: ${line}`);
    }
  }
});

Deno.test("help TOPIC refers to the flags of a command of the same name", async () => {
  const { out } = await run("help", "bench");
  assertMatch(out, /^bench: load on an echo server\n[^]*\nFlags: parley-client bench --help\n$/);
});

Deno.test("help suggests a similar topic or command, and rejects a second argument", async () => {
  assertMatch((await run("help", "endpoint")).err, /no topic or command "endpoint"; did you mean endpoints\?/);
  assertMatch((await run("help", "tls", "x")).err, /help takes one topic or command/);
  assertMatch((await run("man", "endpoint")).err, /did you mean endpoints\?/);
});

Deno.test("--help-all describes the groups of flags that --help only names", async () => {
  const short = await run("connect", "--help");
  assertStringIncludes(
    short.out,
    "More flags, described by --help-all:\n  Connection, Framing, TLS, Proxy, WebSocket,",
  );
  assert(!short.out.includes("--tls-ca"));
  const all = await run("connect", "--help-all");
  assertStringIncludes(all.out, "--tls-ca FILE ");
  assert(!all.out.includes("More flags"));
});

Deno.test("the topics are completed after help and man", async () => {
  const script = bashCompletions(await loadProgram(clientProgram));
  for (const { name } of TOPICS) assertMatch(script, new RegExp(`[" ]${name}[" ]`));
});

toolTest("dd", "help shows a page in the pager of the user on a terminal, as wide as it is", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const columns of [60, 200]) {
      const file = `${folder}/${columns}`;
      using _env = fakeEnv({ PAGER: `dd status=none of=${file}` });
      const io = terminal(columns);
      assertEquals(await runProgram(clientProgram, ["help", "exit-codes"], io), 0);
      const shown = (await Deno.readTextFile(file)).split("\n");
      assertEquals(io.out, "");
      const prose = shown.filter((line) => !line.startsWith("    "));
      const widest = Math.max(...prose.map((line) => line.length));
      assert(widest <= Math.min(columns, 100) && widest > columns / 3, `${columns}: ${widest}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("help prints the page itself if the pager is missing", async () => {
  using _env = fakeEnv({ PAGER: "no-such-pager-here" });
  const io = terminal(80);
  assertEquals(await runProgram(clientProgram, ["help", "units"], io), 0);
  assertStringIncludes(io.out, "Durations, sizes, rates and shares");
});
