import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { kebabCase } from "../../src/base/flag_spec.ts";
import { loadCommand } from "../../src/cli/command.ts";
import { runProgram } from "../../src/cli/run_program.ts";
import { clientProgram } from "../../src/commands/client/program.ts";
import { serverProgram } from "../../src/commands/server/program.ts";
import { udpProgram } from "../../src/commands/udp/program.ts";
import { FakeIo } from "../support/fake_io.ts";

/** What may be empty: it is data, not a check. */
const DATA: ReadonlySet<string> = new Set([
  "parley-server echo prefix",
  "parley-server reply text",
  "parley-server greet greeting",
  "parley-client send then",
  "parley-udp serve text",
]);

for (const program of [clientProgram, serverProgram, udpProgram]) {
  Deno.test(`${program.name} rejects an empty value of every flag that is not data (fault 16)`, async () => {
    for (const entry of program.commands) {
      const command = await loadCommand(entry);
      for (const [name, spec] of Object.entries(command.flags)) {
        if (spec.type === "boolean" || DATA.has(`${program.name} ${command.name} ${name}`)) continue;
        for (const words of [[`--${kebabCase(name)}=`], [`--${kebabCase(name)}`, ""]]) {
          const io = new FakeIo();
          const code = await runProgram(program, [command.name, ...words], io);
          assertEquals(code, 2, `${program.name} ${command.name} ${words}: ${io.err}`);
          assertStringIncludes(io.err, `--${kebabCase(name)}: `);
        }
      }
    }
  });
}

Deno.test("the list of flags whose value may be empty names existing flags only (fault 16)", async () => {
  const known: string[] = [];
  for (const program of [clientProgram, serverProgram, udpProgram]) {
    for (const entry of program.commands) {
      const { name, flags } = await loadCommand(entry);
      known.push(...Object.keys(flags).map((flag) => `${program.name} ${name} ${flag}`));
    }
  }
  for (const name of DATA) assert(known.includes(name), name);
});

for (const [name, program] of Object.entries({ clientProgram, serverProgram, udpProgram })) {
  Deno.test(`${name} rejects arguments that were not UTF-8 before the runtime read them (fault 7)`, async () => {
    const command = program.commands[0]?.name ?? "";
    for (
      const words of [[command, ":1", "a\u{FFFD}"], [command, ":1", "--framing", "\u{FFFD}"], [command, "\u{FFFD}:1"]]
    ) {
      const io = new FakeIo();
      assertEquals(await runProgram(program, words, io), 2, words.join(" "));
      assertStringIncludes(io.err, "is not UTF-8");
      assertStringIncludes(io.err, "\\xHH");
      assertStringIncludes(io.err, "--file");
    }
  });
}
