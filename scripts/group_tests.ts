/**
 * Writes the modules that `deno task test` runs. Each imports several test files of a folder: `deno test` starts an
 * isolate for each module that it is given and loads the sources into it again, which takes a third of the time if every
 * file is a module of its own.
 *
 * @module
 */

/** What other tasks run. */
const OTHERS = /^(?:abuse|autobahn|browser|cluster|probes|smoke)\/|^manual\/transcripts_test\.ts$/;
/** Tests of whole programs take the longest: they start first, and fewer of them are in a module. */
const LONGEST = "e2e";
const TESTS = new URL("../tests/", import.meta.url);
const MODULES = new URL("../dist/tests/", import.meta.url);

/** Test files, relative to `tests`. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, TESTS))].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return filesIn(`${folder}${name}/`);
    return name.endsWith("_test.ts") ? [`${folder}${name}`] : [];
  });
}

/** Divides files into modules of at most `size`; neighbours, which often take as long, are not in the same. */
function divide(files: readonly string[], size: number): string[][] {
  const count = Math.ceil(files.length / size);
  return Array.from({ length: count }, (_, index) => files.filter((_, at) => at % count === index));
}

const files = filesIn("").filter((path) => !OTHERS.test(path)).toSorted();
const folders = Object.entries(Object.groupBy(files, (path) => path.slice(0, path.indexOf("/") + 1)));
const modules = folders.flatMap(([folder, files = []]) => {
  const isLongest = folder === `${LONGEST}/`;
  return divide(files, isLongest ? 3 : 8).map((files, index) => ({
    name: `${isLongest ? 0 : 1}_${folder.replace("/", "_")}${index + 1}_test.ts`,
    text: files.map((path) => `import "../../tests/${path}";\n`).join(""),
  }));
});

Deno.mkdirSync(MODULES, { recursive: true });
for (const { name, text } of modules) Deno.writeTextFileSync(new URL(name, MODULES), text);
const names = new Set(modules.map(({ name }) => name));
for (const { name } of Deno.readDirSync(MODULES)) if (!names.has(name)) Deno.removeSync(new URL(name, MODULES));
