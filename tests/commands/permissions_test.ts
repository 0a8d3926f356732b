import { assertEquals } from "@std/assert";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { FakeIo } from "../support/fake_io.ts";

const REFUSED = "tcp://127.0.0.1:1";

/** The permissions that a command of a compiled program drops, in their order. */
async function givenBack(program: typeof clientProgram, words: readonly string[]): Promise<string> {
  const given: string[] = [];
  const drop = (name: string) => () => Promise.resolve(void given.push(name));
  const io = Object.assign(new FakeIo(), {
    giveBackFiles: drop("files"),
    giveBackEnvironment: drop("environment"),
    giveBackRun: drop("run"),
    giveBackLibrary: drop("library"),
  });
  await runProgram(program, words, io);
  return given.join(" ");
}

Deno.test("check drops the environment unless a flag or a command needs it", async () => {
  for (
    const [words, expected] of [
      [[REFUSED], "library files run environment"],
      [["redis://127.0.0.1:1", "--login", "url"], "library files run environment"],
      [["redis://127.0.0.1:1", "--login", "env:PATH"], "library files run"],
      [[REFUSED, "--proxy", "env"], "library files run"],
      [["http://127.0.0.1:1", "--bearer", "env:HOME"], "library files run"],
      [[REFUSED, "--", "true"], "library files"],
      [["exec:true"], "library files environment"],
    ] as const
  ) assertEquals([words, await givenBack(clientProgram, ["check", ...words])], [words, expected]);
});

Deno.test("stack --check drops what no service of the file needs", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (
      const [services, expected] of [
        [["echo: { service: echo }"], "run library"],
        [["echo: { service: echo }", "cat: { service: exec, program: [cat] }"], "library"],
        [["echo: { service: echo }", "relay: { service: relay, target: echo }"], "run"],
      ] as const
    ) {
      await Deno.writeTextFile(path, `services:\n${services.map((line) => `  ${line}\n`).join("")}`);
      assertEquals([services, await givenBack(serverProgram, ["stack", "--check", path])], [services, expected]);
    }
    await Deno.writeTextFile(path, "services:\n  echo: { service: echo }\n");
    assertEquals(await givenBack(serverProgram, ["stack", "--check", path, "--", "true"]), "library");
  } finally {
    await Deno.remove(path);
  }
});
