import { assertEquals } from "@std/assert";
import { limitFaults } from "../../scripts/check_limits.ts";

const VERSION_FILE = source("cli/version.ts", 'export const VERSION = "1.2.3";');
const PAPERS = { config: { version: "1.2.3", imports: {} }, readme: "" };

function source(path: string, text: string) {
  return { path, text, code: text };
}

Deno.test("limitFaults() finds nothing when all is well", () => {
  const files = [VERSION_FILE, source("a.ts", "const many: string = company;\n".repeat(500))];
  assertEquals(limitFaults(files, PAPERS), []);
});

Deno.test("limitFaults() names files that are too long", () => {
  const files = [VERSION_FILE, source("server.ts", "x;\n".repeat(41)), source("a.ts", "x;\n".repeat(501))];
  assertEquals(limitFaults(files, PAPERS), [
    "src/server.ts: 41 lines, at most 40",
    "src/a.ts: 501 lines, at most 500",
  ]);
});

Deno.test("limitFaults() finds the type any in every position", () => {
  for (const code of ["x: any", "x as any", "Array<any>", "Map<string, any>", "string | any"]) {
    assertEquals(limitFaults([VERSION_FILE, source("a.ts", code)], PAPERS), ["src/a.ts: the type any"]);
  }
});

Deno.test("limitFaults() compares versions", () => {
  assertEquals(limitFaults([source("cli/version.ts", 'export const VERSION = "1.2.4";')], PAPERS).length, 1);
});

Deno.test("limitFaults() wants a reason for each dependency", () => {
  const readme = "## Dependencies\n\n| `known` | why |\n\n## Next\n";
  const config = { version: "1.2.3", imports: { known: "npm:known", strange: "npm:strange" } };
  assertEquals(limitFaults([VERSION_FILE], { config, readme }), [
    "src/README.md: the table of dependencies does not say why strange is there",
  ]);
});
