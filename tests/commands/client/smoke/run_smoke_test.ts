import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { StoppedError } from "../../../../src/cli/exit_codes.ts";
import { runProgram } from "../../../../src/cli/run_program.ts";
import { clientProgram } from "../../../../src/commands/client/program.ts";
import { interrupted } from "../../../../src/commands/client/smoke/run_one.ts";
import { FakeIo } from "../../../support/fake_io.ts";
import { junitFaults } from "../../../support/junit_schema.ts";
import { startProgram } from "../../../support/in_process.ts";
import { scriptedPeer } from "../../../support/scripted_peer.ts";
import { withFolder } from "../../../support/temporary.ts";

const UNIX = { ignore: Deno.build.os === "windows" };

/** A smoke file whose second test waits for a peer that never answers, and whose third has not begun. */
async function withFile(
  use: (file: string, folder: string, asked: Promise<void>) => Promise<void>,
): Promise<void> {
  const asked = Promise.withResolvers<void>();
  await using peer = scriptedPeer(async (conn) => {
    const bytes = new Uint8Array(16);
    const word = new TextDecoder().decode(bytes.subarray(0, await conn.read(bytes) ?? 0));
    if (word === "hi") await conn.write(bytes.subarray(0, 2));
    else asked.resolve();
  });
  await withFolder(async (folder) => {
    const test = (name: string, word: string) =>
      `  - { name: ${name}, endpoint: "${peer.endpoint}", steps: [{ send: ${word} }, { expect: ${word} }] }\n`;
    const file = `${folder}/smoke.yaml`;
    await Deno.writeTextFile(file, `tests:\n${test("first", "hi")}${test("second", "ho")}${test("third", "hu")}`);
    await use(file, folder, asked.promise);
  });
}

async function interrupt(args: readonly string[], asked: Promise<void>, signal: Deno.Signal = "SIGINT") {
  const io = new FakeIo();
  const running = runProgram(clientProgram, ["smoke", "--jobs", "1", ...args], io);
  await asked;
  io.stop.send(signal);
  return { code: await running, out: io.out, err: io.err };
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`smoke --junit writes a valid report after ${signal} (fault 22)`, async () => {
    await withFile(async (file, folder, asked) => {
      const junit = `${folder}/report.xml`;
      const ended = await interrupt([file, "--junit", junit], asked, signal);
      assertEquals([ended.code, ended.err], [code, ""]);
      const xml = await Deno.readTextFile(junit);
      assertEquals([junitFaults("jenkins", xml), junitFaults("ant", xml)], [[], []]);
      assertStringIncludes(xml, 'tests="3" failures="0" errors="2"');
      assertStringIncludes(xml, `message="stopped by ${signal}"`);
      assertStringIncludes(xml, `message="not run: stopped by ${signal}"`);
    });
  });
}

Deno.test("smoke --junit writes its report in a process that gets SIGTERM (fault 22)", UNIX, async () => {
  await withFile(async (file, folder, asked) => {
    const junit = `${folder}/report.xml`;
    await using client = startProgram("client", ["smoke", "-j1", file, "--junit", junit]);
    await asked;
    client.kill("SIGTERM");
    assertEquals(await client.exitCode(), 143);
    assertEquals(junitFaults("jenkins", await Deno.readTextFile(junit)), []);
  });
});

Deno.test("smoke --json agrees with the exit code when it is interrupted (fault 46)", async () => {
  await withFile(async (file, _, asked) => {
    const { code, out } = await interrupt([file, "--json"], asked);
    const lines = out.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.map(({ outcome }) => outcome), ["passed", "interrupted", "interrupted", undefined]);
    assertEquals([code, lines[3].ok, lines[3].exitCode], [130, false, 130]);
  });
});

Deno.test("smoke --tap bails out when it is interrupted (fault 49)", async () => {
  await withFile(async (file, _, asked) => {
    const { code, out } = await interrupt([file, "--tap"], asked);
    assertEquals(code, 130);
    assertMatch(out, /^TAP version 13\n1\.\.3\nok 1 - first\nBail out! stopped by SIGINT\n$/);
  });
});

Deno.test("smoke of a file that is not there leaves no report of an earlier run (fault 21)", async () => {
  await withFile(async (_, folder) => {
    const junit = `${folder}/report.xml`;
    for (const words of [["nosuch.yaml"], ["nosuch.yaml", "--tap", "--json"], [`${folder}`]]) {
      await Deno.writeTextFile(junit, "<testsuites/>");
      const code = await runProgram(clientProgram, ["smoke", ...words, "--junit", junit], new FakeIo());
      assertEquals([code, [...Deno.readDirSync(folder)].map(({ name }) => name)], [2, ["smoke.yaml"]]);
    }
  });
});

Deno.test("smoke --json of skipped tests alone agrees with its exit code (fault 46)", async () => {
  await withFile(async (file) => {
    const io = new FakeIo();
    const code = await runProgram(clientProgram, ["smoke", file, "--json", "--tag", "none"], io);
    const { ok, exitCode } = JSON.parse(io.out.trim().split("\n").at(-1) ?? "");
    assertEquals([code, ok, exitCode], [1, false, 1]);
  });
});

Deno.test("smoke resets the connection if a step requires it (#16 point 2)", async () => {
  const ended = Promise.withResolvers<unknown>();
  await using peer = scriptedPeer(async (conn) => {
    await conn.write(new TextEncoder().encode("220 ready\n"));
    await conn.read(new Uint8Array(16)).then(ended.resolve, ended.resolve);
  });
  const file = await Deno.makeTempFile();
  try {
    const steps = "[{ expect-exactly: '220 ready\\n' }, { reset: true }]";
    await Deno.writeTextFile(file, `tests: [{ name: a, endpoint: "${peer.endpoint}", steps: ${steps} }]`);
    const io = new FakeIo();
    assertEquals(await runProgram(clientProgram, ["smoke", file], io), 0);
    assertMatch(String(await ended.promise), /ConnectionReset/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("smoke does not reuse a connection with an incomplete message", async () => {
  let connections = 0;
  const conns = new Set<Promise<void>>();
  await using peer = scriptedPeer((conn) => {
    connections++;
    const answering = (async () => {
      const bytes = new Uint8Array(64);
      // The other half comes with the next answer.
      for (let at = 0; await conn.read(bytes).catch(() => null); at++) {
        await conn.write(new TextEncoder().encode(at === 0 ? "a\nhal" : "f\na\n"));
      }
    })();
    conns.add(answering);
  });
  const folder = await Deno.makeTempDir();
  try {
    const test = (name: string) =>
      `  - { name: ${name}, endpoint: "${peer.endpoint}", steps: [{ send: x }, { expect: a }] }\n`;
    const file = `${folder}/smoke.yaml`;
    await Deno.writeTextFile(
      file,
      `defaults: { reuse: true, framing: line }\ntests:\n${test("first")}${test("second")}`,
    );
    const io = new FakeIo();
    assertEquals([await runProgram(clientProgram, ["smoke", "-j1", file], io), connections], [0, 2], io.out);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Promise.all(conns);
  }
});

Deno.test("interrupted() distinguishes tests that were run from those that were not", () => {
  const locate = () => "smoke.yaml:1" as never;
  const reasons = [0, 1].map((tries) => {
    const signal = AbortSignal.abort(new StoppedError("SIGTERM"));
    const { reason, exitCode, outcome } = interrupted({ name: "a" } as never, signal, { tries, ms: 5, locate });
    return [reason, exitCode, outcome];
  });
  assertEquals(reasons, [["not run: stopped by SIGTERM", 143, "interrupted"], [
    "stopped by SIGTERM",
    143,
    "interrupted",
  ]]);
});
