import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { FakeIo } from "../support/fake_io.ts";
import { startServer } from "../support/program.ts";

const PROGRAMS = { server: serverProgram, udp: udpProgram } as const;
const UNIX = { ignore: Deno.build.os === "windows" };

/** Every command that has `--ready-file`. */
const SERVING: readonly (readonly [keyof typeof PROGRAMS, readonly string[]])[] = [
  ["server", ["echo", "tcp://127.0.0.1:0"]],
  ["udp", ["serve", "echo", "udp://127.0.0.1:0"]],
  ["udp", ["listen", "udp://127.0.0.1:0"]],
  ["udp", ["relay", "udp://127.0.0.1:0", "udp://127.0.0.1:9"]],
];

async function withReadyFile(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(`${folder}/ready`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function readOrAbsent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

for (const [program, words] of SERVING) {
  const name = program === "udp" ? `udp ${words[0]}` : "server";
  const args = [...words, "--log-level", "off", "--print-endpoint"];

  Deno.test(`${name} --ready-file exists while it serves, and is removed at a clean end (fault 21)`, async () => {
    await withReadyFile(async (path) => {
      const io = new FakeIo();
      const running = runProgram(PROGRAMS[program], [...args, "--ready-file", path], io);
      const endpoint = await io.printed(/(\w+:\/\/127\.0\.0\.1:\d+)\n/);
      // Written in the same turn in which it is printed.
      await Promise.resolve();
      const found = await readOrAbsent(path);
      io.stop.send("SIGTERM");
      assertEquals([await running, found, await readOrAbsent(path)], [0, `${endpoint}\n`, undefined]);
    });
  });

  Deno.test(`${name} that cannot start leaves no ready file of an earlier run (fault 21)`, async () => {
    await withReadyFile(async (path) => {
      await Deno.writeTextFile(path, "tcp://127.0.0.1:1\n");
      const io = new FakeIo();
      const endpoint = words.map((word) => word.replace("127.0.0.1:0", "999.0.0.1:0"));
      assertEquals(await runProgram(PROGRAMS[program], [...endpoint, "--ready-file", path], io), 2, io.err);
      assertEquals(await readOrAbsent(path), undefined);
    });
  });

  Deno.test(`${name} --ready-file with --metrics holds the endpoint alone (fault 32)`, async () => {
    await withReadyFile(async (path) => {
      const io = new FakeIo();
      const metrics = ["--metrics", "127.0.0.1:0"];
      const running = runProgram(PROGRAMS[program], [...args, ...metrics, "--ready-file", path], io);
      await io.printed(/http:\/\/127\.0\.0\.1:\d+\/metrics\n/);
      await Promise.resolve();
      const found = await readOrAbsent(path);
      io.stop.send("SIGTERM");
      assertEquals(await running, 0);
      assertMatch(found ?? "", /^\w+:\/\/127\.0\.0\.1:\d+\n$/);
      assertEquals(io.out.split("\n")[0], found?.trim());
    });
  });
}

Deno.test("server --ready-file is also removed after a second signal (fault 21)", UNIX, async () => {
  await withReadyFile(async (path) => {
    const words = ["chargen", ":0", "--drain-timeout", "1h", "--ready-file", path];
    await using started = await startServer(words, { permissions: ["-N", "-R", "-W"] });
    // A client that reads no more holds the drain up.
    using client = await Deno.connect({ port: Number(new URL(started.endpoint).port) });
    await client.read(new Uint8Array(1));
    started.server.kill("SIGTERM");
    await started.server.errorLine(/draining/);
    started.server.kill("SIGTERM");
    assertEquals([await started.server.exitCode(), await readOrAbsent(path)], [143, undefined]);
  });
});
