import { assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "../support/in_process.ts";

Deno.test("a program exits cleanly if standard output is closed, and with 8 if its disk is full (fault 67)", async () => {
  const run = async (redirection: string) =>
    await runProgram("client", ["--version"], { wrapper: ["sh", "-c", `exec "$0" "$@" ${redirection}`] });
  assertEquals(await run(">&-").then(({ code, stdout, stderr }) => [code, stdout, stderr]), [0, "", ""]);
  const full = await run(">/dev/full");
  assertEquals(full.code, 8);
  assertMatch(full.stderr, /no space left on device/);
});
