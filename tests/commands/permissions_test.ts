import { assertEquals } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { DroppingIo } from "../support/fake_io.ts";

const REFUSED = "tcp://127.0.0.1:1";

/** The permissions that a command of a compiled program drops, in their order. */
async function droppedBy(program: typeof clientProgram, words: readonly string[]): Promise<string> {
  const io = new DroppingIo();
  await runProgram(program, words, io);
  return io.dropped.join(" ");
}

Deno.test("check drops the environment unless a flag or a command needs it", async () => {
  for (
    const [words, expected] of [
      [[REFUSED], "ffi read write run env"],
      [["redis://127.0.0.1:1", "--login", "url"], "ffi read write run env"],
      [["redis://127.0.0.1:1", "--login", "env:PATH"], "ffi read write run"],
      [[REFUSED, "--proxy", "env"], "ffi read write run"],
      [["http://127.0.0.1:1", "--bearer", "env:HOME"], "ffi read write run"],
      [[REFUSED, "--", "true"], "ffi read write"],
      [["exec:true"], "ffi read write env"],
    ] as const
  ) assertEquals([words, await droppedBy(clientProgram, ["check", ...words])], [words, expected]);
});

Deno.test("stack --check drops what no service of the file needs", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (
      const [services, expected] of [
        [["echo: { service: echo }"], "run ffi"],
        [["echo: { service: echo }", "cat: { service: exec, program: [cat] }"], "ffi"],
        [["echo: { service: echo }", "relay: { service: relay, target: echo }"], "run"],
      ] as const
    ) {
      await Deno.writeTextFile(path, `services:\n${services.map((line) => `  ${line}\n`).join("")}`);
      assertEquals([services, await droppedBy(serverProgram, ["stack", "--check", path])], [services, expected]);
    }
    await Deno.writeTextFile(path, "services:\n  echo: { service: echo }\n");
    assertEquals(await droppedBy(serverProgram, ["stack", "--check", path, "--", "true"]), "ffi");
  } finally {
    await Deno.remove(path);
  }
});
