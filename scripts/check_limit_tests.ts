/**
 * Lists the limits and deadlines that no test names. A flag for a duration or a
 * size, or for a maximum, must be named, as a flag or as an option; `--all`
 * also lists the constants that no test mentions, which is information only: a
 * test may well see a private constant's effect.
 *
 * @module
 */

import { type SourceFile, sourceFiles } from "./source_files.ts";

/** What a test can name. */
interface Limit {
  readonly path: string;
  readonly name: string;
}

const FLAG = /^\s+"?([a-z][A-Za-z0-9]*)"?: \{\s*(?:type: "(?:duration|size)"|[^{}]*?\btype: "(?:duration|size)")/gm;
const MAX_FLAG = /^\s+"?(max[A-Z][A-Za-z0-9]*)"?: \{[^{}]*?\btype: "integer"/gm;
const CONSTANT = /^(?:export )?const (MAX_[A-Z_0-9]+|[A-Z][A-Z_0-9]*_(?:MS|BYTES|LENGTH)) =/gm;

/** The flags of the sources that no test names. */
export function untestedFlags(files: readonly SourceFile[], tests: string): Limit[] {
  return named(files, [FLAG, MAX_FLAG]).filter(({ name }) =>
    !tests.includes(`--${kebab(name)}`) && !new RegExp(`\\b${name}(?:Ms)?\\b`).test(tests)
  );
}

/** The constants that no test mentions. */
export function unmentionedConstants(files: readonly SourceFile[], tests: string): Limit[] {
  return named(files, [CONSTANT]).filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(tests));
}

function named(files: readonly SourceFile[], patterns: readonly RegExp[]): Limit[] {
  return files.flatMap(({ path, code }) =>
    patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = ""]) => ({ path, name })))
  );
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

async function testTexts(folder: URL): Promise<string> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) texts.push(await testTexts(new URL(`${name}/`, folder)));
    else if (name.endsWith(".ts")) texts.push(await Deno.readTextFile(new URL(name, folder)));
  }
  return texts.join("\n");
}

if (import.meta.main) {
  const files = await sourceFiles();
  const tests = await testTexts(new URL("../tests/", import.meta.url));
  const flags = untestedFlags(files, tests);
  for (const { path, name } of flags) console.error(`src/${path}: no test names --${kebab(name)}`);
  if (Deno.args.includes("--all")) {
    for (const { path, name } of unmentionedConstants(files, tests)) {
      console.log(`src/${path}: no test mentions ${name}`);
    }
  }
  Deno.exit(flags.length === 0 ? 0 : 1);
}
