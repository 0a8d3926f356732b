import type { BuildInfo } from "./build_info.ts";
import { loadBuiltinsLate } from "./lazy_builtins.ts";
import { run } from "./run.ts";

/** The three programs. */
export const PROGRAMS = ["server", "client", "udp"] as const;

/** One of {@linkcode PROGRAMS}. */
export type ProgramName = typeof PROGRAMS[number];

/** What the bundler writes and we replace, each exactly once; a module that is loaded late has its `var` elsewhere. */
const COMMIT = /\bCOMMIT = "source";/;
const REQUIRE = /^import \{ createRequire as (\w+) \} from "node:module";\nvar __require = \1\(import\.meta\.url\);$/m;

/** Packages require the runtime's own modules, and try some that are not there. */
const REQUIRE_BUILTIN = `var __require = (id) => {
  const found = process.getBuiltinModule(id);
  if (found === undefined) throw new Error("Cannot find module " + id);
  return found;
};`;

/**
 * Makes one file without imports out of a program; the file's path. It is
 * bundled, changed so that a start loads only what it uses, and minified.
 */
export async function bundleProgram(name: ProgramName, folder: string, info: BuildInfo): Promise<string> {
  const path = `${folder}/parley-${name}.js`;
  const entry = new URL(`../../src/${name}.ts`, import.meta.url).pathname;
  await bundle(entry, path);
  const bundled = await Deno.readTextFile(path);
  const branded = replaceOnce(bundled, COMMIT, `COMMIT = ${JSON.stringify(info.commit)};`);
  await Deno.writeTextFile(path, loadBuiltinsLate(replaceOnce(branded, REQUIRE, REQUIRE_BUILTIN)));
  await bundle(path, path, "--minify");
  const banner = `// parley-${name} ${info.version} (${info.commit}), MIT license\n`;
  await Deno.writeTextFile(path, `${banner}${await Deno.readTextFile(path)}`);
  return path;
}

async function bundle(entry: string, path: string, ...flags: string[]): Promise<void> {
  await run(Deno.execPath(), ["bundle", "--quiet", ...flags, "--output", path, entry]);
}

function replaceOnce(text: string, pattern: RegExp, replacement: string): string {
  const count = [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].length;
  if (count !== 1) throw new Error(`the bundle has ${pattern} ${count} times, not once`);
  return text.replace(pattern, () => replacement);
}
