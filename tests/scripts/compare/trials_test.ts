import { assert, assertEquals } from "@std/assert";
import { commandOf, run } from "../../../scripts/compare/run.ts";
import { sayCode } from "../../../scripts/compare/trials.ts";

Deno.test("run() returns the exit code and the output when a program ends", async () => {
  const outcome = await run(["parley-client", "nonsense"]);
  assertEquals(sayCode(outcome), "exit 2");
  assert(outcome.stderr.includes('unknown command "nonsense"'));
});

Deno.test("run() ends a program and returns no exit code on timeout", async () => {
  const outcome = await run(["parley-server", "discard", "127.0.0.1:0"], { limitMs: 1_000 });
  assertEquals(sayCode(outcome), "hangs (ended after 1 s)");
});

Deno.test("commandOf() reports a missing tool when it is not on the path", () => {
  assertEquals(commandOf("no-such-tool"), undefined);
});
