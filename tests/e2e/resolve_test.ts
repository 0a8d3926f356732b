import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runProgram } from "../support/in_process.ts";

Deno.test("resolve prints every address of a host, one a line", async () => {
  const { code, stdout } = await runProgram("client", ["resolve", "localhost"]);
  assertEquals(code, 0);
  assert(stdout.trim().split("\n").some((address) => address === "127.0.0.1" || address === "::1"));
});

Deno.test("resolve --json prints the family of each address", async () => {
  const { stdout } = await runProgram("client", ["resolve", "--json", "::1"]);
  assertEquals(JSON.parse(stdout), { ok: true, host: "::1", addresses: [{ address: "::1", family: 6 }] });
});

Deno.test("resolve exits 3 for an unknown name, with one line and with one object", async () => {
  const { code, stdout, stderr } = await runProgram("client", ["resolve", "--json", "nobody.invalid"]);
  assertEquals([code, stderr.trim().split("\n").length], [3, 1]);
  assertStringIncludes(stderr, 'Cannot resolve "nobody.invalid"');
  assertEquals(JSON.parse(stdout).exitCode, 3);
});

Deno.test("resolve exits 2 when called wrongly", async () => {
  for (const words of [[], ["a", "b"], ["--jsn", "a"]]) {
    assertEquals((await runProgram("client", ["resolve", ...words])).code, 2);
  }
});

Deno.test("a name is resolved by a permission, which is named when it is missing", async () => {
  for (const words of [["resolve", "localhost"], ["send", "localhost:1", "x"], ["bench", "ws://localhost:1"]]) {
    const { code, stderr } = await runProgram("client", words, { permissions: [] });
    assertEquals([code, stderr], [
      8,
      'parley-client: Cannot resolve "localhost": run again with --allow-net=localhost\n',
    ]);
  }
});
