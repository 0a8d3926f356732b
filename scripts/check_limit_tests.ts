/**
 * Lists the limits and deadlines that no test names, and fails if there are
 * any. A flag for a duration, a size or a maximum must be named, as a flag or as
 * an option. A constant must be named by a test of its room, in a title as a
 * rule, or be among the exemptions with a reason.
 *
 * @module
 */

import { EXEMPTIONS } from "./limit_exemptions.ts";
import { type SourceFile, sourceFiles } from "./source_files.ts";

/** What a test can name. */
interface Limit {
  readonly path: string;
  readonly name: string;
}

const FLAG = /^\s+"?([a-z][A-Za-z0-9]*)"?: \{\s*(?:type: "(?:duration|size)"|[^{}]*?\btype: "(?:duration|size)")/gm;
const MAX_FLAG = /^\s+"?(max[A-Z][A-Za-z0-9]*)"?: \{[^{}]*?\btype: "integer"/gm;
const CONSTANT = /^(?:export )?const (MAX_[A-Z_0-9]+|(?!NO_)[A-Z][A-Z_0-9]*_(?:MS|BYTES|LENGTH)) =/gm;

/** The flags of the sources that no test names. */
export function untestedFlags(files: readonly SourceFile[], tests: string): Limit[] {
  return named(files, [FLAG, MAX_FLAG]).filter(({ name }) =>
    !tests.includes(`--${kebab(name)}`) && !new RegExp(`\\b${name}(?:Ms)?\\b`).test(tests)
  );
}

/**
 * The constants that no test of their room names and that are not exempt, and
 * exemptions that are not needed.
 *
 * @param tests Texts of test files by path, as in `tests/net/a_test.ts`.
 * @param exemptions Constants by reason, as in `net/a.ts MAX_A`.
 */
export function untestedConstants(
  files: readonly SourceFile[],
  tests: ReadonlyMap<string, string>,
  exemptions: Readonly<Record<string, readonly string[]>>,
): { untested: Limit[]; needless: string[] } {
  const exempt = new Set(Object.values(exemptions).flat());
  const found = named(files, [CONSTANT]).filter(({ path, name }) => {
    const room = `tests/${path.split("/")[0]}/`;
    const pattern = new RegExp(`\\b${name}\\b`);
    return !tests.entries().some(([test, text]) =>
      (test.startsWith(room) || /^tests\/(?:abuse|e2e)\//.test(test)) && pattern.test(text)
    );
  });
  const untested = found.filter(({ path, name }) => !exempt.has(`${path} ${name}`));
  const needed = new Set(found.map(({ path, name }) => `${path} ${name}`));
  return { untested, needless: [...exempt].filter((entry) => !needed.has(entry)) };
}

function named(files: readonly SourceFile[], patterns: readonly RegExp[]): Limit[] {
  return files.flatMap(({ path, code }) =>
    patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = ""]) => ({ path, name })))
  );
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

const ROOT = new URL("../", import.meta.url);

async function testTexts(folder = "tests/", texts = new Map<string, string>()): Promise<Map<string, string>> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}${name}`;
    if (isDirectory) await testTexts(`${path}/`, texts);
    else if (name.endsWith(".ts")) texts.set(path, await Deno.readTextFile(new URL(path, ROOT)));
  }
  return texts;
}

if (import.meta.main) {
  const files = await sourceFiles();
  const tests = await testTexts();
  const flags = untestedFlags(files, [...tests.values()].join("\n"));
  for (const { path, name } of flags) console.error(`src/${path}: no test names --${kebab(name)}`);
  const { untested, needless } = untestedConstants(files, tests, EXEMPTIONS);
  for (const { path, name } of untested) console.error(`src/${path}: no test names ${name}`);
  for (const entry of needless) console.error(`scripts/limit_exemptions.ts: no exemption is needed for ${entry}`);
  Deno.exit(flags.length + untested.length + needless.length === 0 ? 0 : 1);
}
