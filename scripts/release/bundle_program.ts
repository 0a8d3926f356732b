import type { BuildInfo } from "./build_info.ts";
import { chunksOfModules, compileEarly, oneFile } from "./one_file.ts";
import { run } from "./run.ts";

/** The three programs. */
export const PROGRAMS = ["server", "client", "udp"] as const;

/** One of {@linkcode PROGRAMS}. */
export type ProgramName = typeof PROGRAMS[number];

/** Modules of calls that scripts repeat: what every call loads, and the most used commands and services. */
const REPEATED = [...PROGRAMS, "check", "stream", "connect", "send", "dial", "serve", "echo"];

/** Output of the bundler to replace, each exactly once. */
const COMMIT = /\bCOMMIT = "source";/;
const REQUIRE = /^import \{ createRequire as (\w+) \} from "node:module";\nvar __require = \1\(import\.meta\.url\);$/m;

/** Packages require the runtime's own modules, and try some that do not exist. */
const REQUIRE_BUILTIN = `var __require = (id) => {
  const found = process.getBuiltinModule(id);
  if (found === undefined) throw new Error("Cannot find module " + id);
  return found;
};`;

/** Bundles a program into one minified file without imports, whose parts run on demand; returns its path. */
export async function bundleProgram(name: ProgramName, folder: string, info: BuildInfo): Promise<string> {
  const path = `${folder}/parley-${name}.js`;
  await using scratch = await chunksOf(name, info);
  const chunks = new Map<string, string>();
  for (const { name } of Deno.readDirSync(scratch.folder)) {
    chunks.set(`./${name}`, await Deno.readTextFile(`${scratch.folder}/${name}`));
  }
  await Deno.writeTextFile(path, oneFile(chunks, `./${name}.js`));
  await bundle(path, "--minify", "--output", path);
  const banner = `// parley-${name} ${info.version} (${info.commit}), MIT license\n`;
  const minified = compileEarly(await Deno.readTextFile(path), chunksOfModules(chunks, REPEATED));
  await Deno.writeTextFile(path, `${banner}${minified}`);
  return path;
}

/**
 * Bundles a program into a folder of minified files that import each other; returns the entry's path. This is the form
 * to compile, because a compiled program has no code cache, and each start parses whole files.
 */
export async function splitProgram(name: ProgramName, folder: string, info: BuildInfo): Promise<string> {
  await using scratch = await chunksOf(name, info);
  await bundle(`${scratch.folder}/${name}.js`, "--minify", "--code-splitting", "--outdir", folder);
  return `${folder}/${name}.js`;
}

/** The program in files grouped by what is loaded together, in a folder that is removed at the end. */
async function chunksOf(name: ProgramName, info: BuildInfo): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await Deno.makeTempDir();
  await bundle(new URL(`../../src/${name}.ts`, import.meta.url).pathname, "--code-splitting", "--outdir", folder);
  await replaceOnce(folder, COMMIT, `COMMIT = ${JSON.stringify(info.commit)};`);
  await replaceOnce(folder, REQUIRE, REQUIRE_BUILTIN);
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

let bundlerInstalled: Promise<void> | undefined;

async function bundle(entry: string, ...flags: string[]): Promise<void> {
  await (bundlerInstalled ??= installBundler());
  await run(Deno.execPath(), ["bundle", "--quiet", ...flags, entry]);
}

/**
 * Has the runtime fetch its bundler, one process at a time: of two that do it at once, on a new machine, one fails
 * (Deno 2.9.6).
 */
async function installBundler(): Promise<void> {
  using lock = await Deno.open(new URL(import.meta.url));
  await lock.lock(true);
  const empty = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await run(Deno.execPath(), ["bundle", "--quiet", empty]);
  } finally {
    await Deno.remove(empty);
  }
}

/** Replaces a text that one of the files contains. */
async function replaceOnce(folder: string, pattern: RegExp, replacement: string): Promise<void> {
  let count = 0;
  for (const { name } of Deno.readDirSync(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    const found = [...text.matchAll(new RegExp(pattern, `${pattern.flags}g`))].length;
    if (found > 0) await Deno.writeTextFile(`${folder}/${name}`, text.replace(pattern, () => replacement));
    count += found;
  }
  if (count !== 1) throw new Error(`the bundle has ${pattern} ${count} times, not once`);
}
