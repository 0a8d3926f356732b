import { assert, assertEquals } from "@std/assert";
import { sourceFiles } from "../../scripts/source_files.ts";
import { V8_FLAGS } from "../../scripts/v8_flags.ts";

const { tasks, imports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));

Deno.test("every task that runs tests turns the sanitizers on, and gives each test a deadline (fault 24)", () => {
  const testing = Object.entries<string>(tasks).filter(([, command]) => / deno test /.test(command));
  assert(testing.length >= 5, `${testing.length} tasks run tests`);
  for (const [name, command] of testing) {
    for (const flag of ["--sanitize-ops", "--sanitize-resources", "--preload=tests/support/test_deadline.ts"]) {
      assert(command.includes(` ${flag} `), `${name}: ${flag}`);
    }
  }
});

Deno.test("every task that runs or checks tests uses their own lock file, and task start downloads by its own (#16)", () => {
  for (const [name, command] of Object.entries<string>(tasks)) {
    if (name !== "lock" && /deno (?:test|check) .*\b(?:src|tests)\b/.test(command)) {
      assert(command.includes(" --lock=tests/deno.lock --frozen "), name);
    }
  }
  assert(tasks.start.includes(" deno run --frozen "));
});

Deno.test("task start runs V8 like the compiled programs", () => {
  assert(tasks.start.includes(` ${V8_FLAGS} `), tasks.start);
});

Deno.test("deno.lock has only the packages that src/ imports, in the versions of tests/deno.lock (#16)", async () => {
  const [own, all] = await Promise.all(
    ["../../deno.lock", "../deno.lock"].map(async (path) =>
      JSON.parse(await Deno.readTextFile(new URL(path, import.meta.url)))
    ),
  );
  const imported = new Set<string>();
  for (const { text } of await sourceFiles()) {
    for (const [, name = ""] of text.matchAll(/(?:from|import)\(? ?"([@\w][^"]*)"/g)) imported.add(imports[name]);
  }
  for (const specifier of Object.keys(own.specifiers)) {
    assert(imported.values().some((target) => target?.startsWith(specifier)), specifier);
    assertEquals(own.specifiers[specifier], all.specifiers[specifier]);
  }
  for (const [name, { integrity }] of Object.entries<{ integrity: string }>(own.npm)) {
    assertEquals(integrity, all.npm[name]?.integrity, name);
  }
});
