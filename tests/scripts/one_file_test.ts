import { assertEquals, assertThrows } from "@std/assert";
import { chunksOfModules, compileEarly, oneFile } from "../../scripts/release/one_file.ts";

/** What the entry of the chunks, joined and run, gives to `done`. */
async function run(chunks: Readonly<Record<string, string>>): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const name = `done${crypto.randomUUID().replaceAll("-", "")}`;
  Object.assign(globalThis, { [name]: resolve });
  const texts = new Map(Object.entries(chunks).map(([chunk, text]) => [chunk, text.replace("done(", `${name}(`)]));
  try {
    await import(`data:text/javascript,${encodeURIComponent(oneFile(texts, "./entry.js"))}`);
    return await promise;
  } finally {
    Reflect.deleteProperty(globalThis, name);
  }
}

Deno.test("oneFile() joins imports by name, under another name, of a default and of the runtime", async () => {
  assertEquals(
    await run({
      "./entry.js": [
        'import {\n  a,\n  b as c\n} from "./chunk.js";\nimport text from "./text.js";',
        'import { basename } from "node:path";\nimport * as path from "node:path";\nimport whole from "node:path";\n',
        'done([a, c, text, basename("/x/y"), path.dirname("/x/y"), whole.extname("y.ts")]);\n',
      ].join("\n"),
      "./chunk.js": "var a = 1;\nvar d = 2;\nexport {\n  a,\n  d as b\n};\n/*! license */\n",
      "./text.js": "export default String(3);\n",
    }),
    [1, 2, "3", "y", "/x", ".ts"],
  );
});

Deno.test("oneFile() runs a chunk when it is imported, and once", async () => {
  const log = (text: string) => `(globalThis.oneFileLog ??= []).push("${text}");`;
  assertEquals(
    await run({
      "./entry.js": [
        `import "./first.js";\n${log("entry")}`,
        'const [one, two] = await Promise.all([import("./late.js"), import("./late.js")]);',
        "done([one.x, one === two, globalThis.oneFileLog]);\n",
      ].join("\n"),
      "./first.js": `${log("first")}\n`,
      "./late.js": `import "./first.js";\n${log("late")}\nvar x = 7;\nexport {\n  x\n};\n`,
      "./never.js": `${log("never")}\n`,
    }),
    [7, true, ["first", "entry", "late"]],
  );
});

Deno.test("oneFile() leaves the imports in a text alone", async () => {
  assertEquals(
    await run({ "./entry.js": 'const page = `\nimport { x } from "@parley/parley";\n`;\ndone(page);\n' }),
    '\nimport { x } from "@parley/parley";\n',
  );
});

Deno.test("chunksOfModules() finds what a module imports, however far", () => {
  const chunks = new Map([
    ["./check-ABCDEFG1.js", 'import {\n  a\n} from "./chunk-A.js";\nconst late = import("./late.js");\n'],
    ["./chunk-A.js", 'import "./chunk-B.js";\nimport { x } from "node:x";\n'],
    ["./chunk-B.js", ""],
    ["./late.js", ""],
  ]);
  assertEquals([...chunksOfModules(chunks, ["check"])], ["./check-ABCDEFG1.js", "./chunk-A.js", "./chunk-B.js"]);
});

Deno.test("compileEarly() puts the functions of the named chunks into parentheses", () => {
  const file = 'var a={"./a.js":async function(){let x={}},"./b.js":async function(){},"./c.js":async function(){}};';
  assertEquals(
    compileEarly(file, new Set(["./a.js"])),
    'var a={"./a.js":(async function(){let x={}}),"./b.js":async function(){},"./c.js":async function(){}};',
  );
  assertThrows(() => compileEarly(file, new Set(["./a.js", "./x.js", "./y.js"])), Error, "1 of the 3 chunks");
});
