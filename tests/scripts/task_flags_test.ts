import { assertEquals } from "@std/assert";
import { taskHelp } from "../../scripts/task_flags.ts";
import { fromFileUrl } from "../support/paths.ts";

async function runTask(script: string, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", fromFileUrl(`../../scripts/${script}.ts`), ...words],
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("taskHelp() lists the flags in columns", () => {
  const flags = { quick: { type: "boolean", help: "soon" }, rounds: { type: "integer", help: "how many" } } as const;
  assertEquals(
    taskHelp({ task: "bench", summary: "measure", flags }),
    "deno task bench: measure\n  --quick     soon\n  --rounds N  how many",
  );
});

Deno.test("a task reports an unknown flag, and does nothing", async () => {
  assertEquals(await runTask("bench", "--quik"), {
    code: 2,
    out: "",
    err: "bench: unknown flag --quik; did you mean --quick?\nTry: deno task bench --help\n",
  });
});

Deno.test("a task accepts no arguments besides its flags", async () => {
  const { code, err } = await runTask("bundle", "--", "elsewhere");
  assertEquals([code, err.split("\n")[0]], [2, 'bundle: it takes flags alone, not "elsewhere"']);
});

Deno.test("a task shows its flags for --help", async () => {
  const { code, out } = await runTask("soak", "--help");
  assertEquals([code, out.split("\n").length], [0, 3]);
});
