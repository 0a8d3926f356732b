import { assert, assertEquals } from "@std/assert";

const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));

Deno.test("every task that runs tests turns the sanitizers on (fault 24)", () => {
  const testing = Object.entries<string>(tasks).filter(([, command]) => / deno test /.test(command));
  assert(testing.length >= 5, `${testing.length} tasks run tests`);
  for (const [name, command] of testing) {
    const flags = ["--sanitize-ops", "--sanitize-resources"].filter((flag) => command.includes(flag));
    assertEquals(flags.length, 2, name);
  }
});
