import { assertEquals } from "@std/assert";
import { importFaults } from "../../scripts/check_imports.ts";

function faultsOf(path: string, code: string): string[] {
  return importFaults([{ path, code, text: code }]);
}

Deno.test("importFaults() accepts an import from above to below", () => {
  assertEquals(faultsOf("net/listener.ts", 'import { x } from "../base/bytes.ts";'), []);
  assertEquals(faultsOf("commands/server/serve.ts", 'import { x } from "../../cli/io.ts";'), []);
});

Deno.test("importFaults() rejects an import from below to above, also over several lines", () => {
  assertEquals(faultsOf("base/bytes.ts", 'import {\n  a,\n  b,\n} from "../net/listener.ts";'), [
    "src/base/bytes.ts: base must not import net/listener.ts",
  ]);
  assertEquals(faultsOf("framing/line.ts", 'export * from "../factory.ts";').length, 1);
  assertEquals(faultsOf("net/open.ts", 'await import("../server/server.ts");').length, 1);
  assertEquals(faultsOf("server/server.ts", 'import type { Io } from "../cli/io.ts";').length, 1);
});

Deno.test("importFaults() rejects cycles, also through types and within a folder", () => {
  const file = (path: string, target: string) => {
    const text = `import type { x } from "${target}";`;
    return { path, text, code: text };
  };
  const cycle = [file("net/a.ts", "./b.ts"), file("net/b.ts", "./c.ts"), file("net/c.ts", "./b.ts")];
  assertEquals(importFaults(cycle), ["src/net/b.ts: imports itself: net/b.ts -> net/c.ts -> net/b.ts"]);
  assertEquals(importFaults(cycle.slice(0, 2)), []);
});

Deno.test("importFaults() rejects a folder that has no place", () => {
  assertEquals(faultsOf("utils/misc.ts", "").length, 1);
});

Deno.test("importFaults() rejects sockets outside net, exits outside entries, I/O in framing", () => {
  assertEquals(faultsOf("server/server.ts", "const l = Deno.listen({ port });").length, 1);
  assertEquals(faultsOf("net/open.ts", "const l = Deno.listen({ port });"), []);
  assertEquals(faultsOf("cli/run_program.ts", "Deno.exit(1);").length, 1);
  assertEquals(faultsOf("server.ts", "Deno.exit(await run(Deno.args));"), []);
  assertEquals(faultsOf("framing/line.ts", "await Deno.stdin.read(b);").length, 1);
  assertEquals(faultsOf("chat/hub.ts", 'import { DatabaseSync } from "node:sqlite";').length, 1);
});
