import type { BuildInfo } from "./build_info.ts";
import { run } from "./run.ts";

/** The three programs. */
export const PROGRAMS = ["server", "client", "udp"] as const;

/** One of {@linkcode PROGRAMS}. */
export type ProgramName = typeof PROGRAMS[number];

/** What the bundler writes and we replace, each exactly once; a module that is loaded late has its `var` elsewhere. */
const COMMIT = /\bCOMMIT = "source";/;
const REQUIRE = /__deno_internal_createRequire\(import\.meta\.url\)/;

/** Makes one file without imports, but for the runtime's own modules, out of a program; the file's path. */
export async function bundleProgram(name: ProgramName, folder: string, info: BuildInfo): Promise<string> {
  const path = `${folder}/parley-${name}.js`;
  const entry = new URL(`../../src/${name}.ts`, import.meta.url).pathname;
  await run(Deno.execPath(), ["bundle", "--quiet", "--output", path, entry]);
  const bundled = await Deno.readTextFile(path);
  const branded = replaceOnce(bundled, COMMIT, `COMMIT = ${JSON.stringify(info.commit)};`);
  // By URL there is no file to resolve from, and the runtime's own modules need none.
  const finished = branded.replace(REQUIRE, '__deno_internal_createRequire("file:///parley.js")');
  const banner = `// parley-${name} ${info.version} (${info.commit}), MIT license\n`;
  await Deno.writeTextFile(path, `${banner}${finished}`);
  return path;
}

function replaceOnce(text: string, pattern: RegExp, replacement: string): string {
  const parts = text.split(pattern);
  if (parts.length !== 2) throw new Error(`the bundle has ${pattern} ${parts.length - 1} times, not once`);
  return parts.join(replacement);
}
