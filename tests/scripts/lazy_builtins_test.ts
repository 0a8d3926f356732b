import { assertEquals, assertThrows } from "@std/assert";
import { loadBuiltinsLate } from "../../scripts/release/lazy_builtins.ts";

/** A module as the bundler writes it when it is loaded late. */
function late(path: string, imports: string, body: string): string {
  return `// ${path}\n${imports}\nvar x = () => ${body};\nvar init = __esm({\n  "${path}"() {\n    start();\n  }\n});\n`;
}

Deno.test("loadBuiltinsLate() moves an import into the module that is loaded late", () => {
  assertEquals(
    loadBuiltinsLate(late("src/a.ts", 'import { connect as connect2, TLSSocket } from "node:tls";', "connect2()")),
    [
      "// src/a.ts",
      "var connect2, TLSSocket;",
      "var x = () => connect2();",
      "var init = __esm({",
      '  "src/a.ts"() {',
      '({ connect: connect2, TLSSocket: TLSSocket } = process.getBuiltinModule("node:tls"));',
      "    start();",
      "  }",
      "});",
      "",
    ].join("\n"),
  );
});

Deno.test("loadBuiltinsLate() gives each module its own imports", () => {
  const [one, two] = [
    late("src/a.ts", 'import { Buffer } from "node:buffer";\nimport { EventEmitter } from "node:events";', "Buffer"),
    late("src/b.ts", 'import { Buffer as Buffer2 } from "node:buffer";', "Buffer2"),
  ];
  const lines = loadBuiltinsLate(`${one}${two}`).split("\n");
  const after = (start: string, count: number) =>
    lines.slice(lines.indexOf(start) + 1, lines.indexOf(start) + 1 + count);
  assertEquals(after('  "src/a.ts"() {', 2), [
    '({ Buffer: Buffer } = process.getBuiltinModule("node:buffer"));',
    '({ EventEmitter: EventEmitter } = process.getBuiltinModule("node:events"));',
  ]);
  assertEquals(after('  "src/b.ts"() {', 1), ['({ Buffer: Buffer2 } = process.getBuiltinModule("node:buffer"));']);
});

Deno.test("loadBuiltinsLate() loads a module that is imported whole when it is first used", () => {
  for (const clause of ["util", "* as util"]) {
    const text = loadBuiltinsLate(late("src/a.ts", `import ${clause} from "node:util";`, "util"));
    const [, declaration = ""] = text.split("\n");
    const util = new Function("process", `${declaration} return util;`);
    const asked: string[] = [];
    const made = util({
      getBuiltinModule(id: string) {
        asked.push(id);
        return { inspect: (value: unknown) => `<${value}>` };
      },
    });
    assertEquals(asked, []);
    assertEquals([made.inspect(1), asked], ["<1>", ["node:util"]]);
  }
});

Deno.test("loadBuiltinsLate() loads what a module needs at the start where it stands", () => {
  assertEquals(
    loadBuiltinsLate('// src/server.ts\nimport { lookup } from "node:dns/promises";\nlookup();'),
    '// src/server.ts\nvar { lookup: lookup } = process.getBuiltinModule("node:dns/promises");\nlookup();',
  );
});

Deno.test("loadBuiltinsLate() refuses an import that it cannot read", () => {
  assertThrows(() => loadBuiltinsLate('import a, { b } from "node:x";'), Error, 'imports by "a, { b }"');
});
