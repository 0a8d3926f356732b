import { assert, assertEquals } from "@std/assert";
import { runProgram } from "../support/in_process.ts";

Deno.test("free-port prints a port that can be listened on", async () => {
  const { code, stdout } = await runProgram("client", ["free-port"]);
  assertEquals(code, 0);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: Number(stdout) });
  assertEquals(listener.addr.port, Number(stdout));
});

Deno.test("free-port --count prints that many different ports", async () => {
  const { stdout } = await runProgram("client", ["free-port", "--count", "20", "--json"]);
  const { ports } = JSON.parse(stdout);
  assertEquals(new Set(ports).size, 20);
  assert(ports.every((port: number) => port > 0 && port < 65_536));
});

Deno.test("free-port --host exits 8 for an address that is not of this machine, and 2 for a wrong count", async () => {
  assertEquals((await runProgram("client", ["free-port", "--host", "192.0.2.1"])).code, 8);
  assertEquals((await runProgram("client", ["free-port", "-n", "0"])).code, 2);
});
