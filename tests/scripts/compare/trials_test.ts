import { assert, assertEquals } from "@std/assert";
import { commandOf, run } from "../../../scripts/compare/run.ts";
import { sayCode } from "../../../scripts/compare/trials.ts";

Deno.test("run() gives the exit code and what was written when a program ends", async () => {
  const outcome = await run(["parley-client", "nonsense"]);
  assertEquals(sayCode(outcome), "exit 2");
  assert(outcome.stderr.includes('unknown command "nonsense"'));
});

Deno.test("run() ends a program and gives no exit code when its time is over", async () => {
  const outcome = await run(["parley-server", "discard", "127.0.0.1:0"], { limitMs: 1_000 });
  assertEquals(sayCode(outcome), "hangs (ended after 1 s)");
});

Deno.test("commandOf() says that a tool is missing when it is not on the path", () => {
  assertEquals(commandOf("no-such-tool"), undefined);
});
