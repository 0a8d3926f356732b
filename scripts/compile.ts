/**
 * Compiles the three programs, one file each, into `dist/`.
 *
 * `deno task compile [--target all|TARGET]... [--runtime FILE|npm] [--release] [--out FOLDER]`
 *
 * With `--target` or `--release` it also creates archives and `SHA256SUMS`.
 *
 * @module
 */

import type { FlagTable } from "../src/base/flag_spec.ts";
import { formatSize } from "../src/base/units.ts";
import { makeArchive } from "./release/archive.ts";
import { type BuildInfo, buildInfo } from "./release/build_info.ts";
import { bundleProgram, PROGRAMS, splitProgram } from "./release/bundle_program.ts";
import { compileProgram, type Compiler, compilerFor } from "./release/compile_program.ts";
import { sha256 } from "./release/npm_runtime.ts";
import { startUpMs } from "./release/start_up.ts";
import { fileName, type Target, targetsOf } from "./release/targets.ts";
import { taskFlags } from "./task_flags.ts";

const FLAGS = {
  target: { type: "text", placeholder: "TARGET", repeat: true, help: "compile for TARGET, or all, and pack archives" },
  runtime: { type: "text", placeholder: "FILE|npm", help: "take the runtime from a file, or from npm" },
  release: { type: "boolean", help: "pack archives, and refuse what must not be released" },
  out: { type: "text", default: "dist", placeholder: "FOLDER", help: "folder to write to" },
} as const satisfies FlagTable;

async function compileFor(
  target: Target,
  folder: string,
  entries: ReadonlyMap<string, string>,
  compiler: Compiler,
): Promise<void> {
  for (const [name, entry] of entries) {
    const path = `${folder}/${fileName(name, target)}`;
    await compileProgram(entry, path, compiler, target);
    const size = formatSize((await Deno.stat(path)).size);
    const start = target === Deno.build.target ? `, starts in ${Math.round(await startUpMs(path))} ms` : "";
    console.log(`${path}  ${size}${start}`);
  }
}

async function archiveAll(targets: readonly Target[], out: string, info: BuildInfo): Promise<void> {
  const sums: string[] = [];
  for (const target of targets) {
    const archive = await makeArchive(target, out, info);
    sums.push(`${await sha256(await Deno.readFile(`${out}/${archive}`))}  ${archive}\n`);
    console.log(`${out}/${archive}`);
  }
  await Deno.writeTextFile(`${out}/SHA256SUMS`, sums.join(""));
}

function refusal(release: boolean, runtime: string | undefined, info: BuildInfo): string | undefined {
  if (!release) return undefined;
  if (runtime === "npm") return "a release is compiled with Deno's own runtime, never with the one from npm";
  if (!/^[0-9a-f]+$/.test(info.commit)) return `a release is compiled from a commit, not from ${info.commit}`;
  return undefined;
}

if (import.meta.main) {
  const summary = "compile the three programs, one file each";
  const { target, runtime, release, out } = taskFlags({ task: "compile", summary, flags: FLAGS });
  const info = await buildInfo();
  const refused = refusal(release, runtime, info);
  if (refused !== undefined) {
    console.error(`compile: ${refused}`);
    Deno.exit(2);
  }
  const targets = targetsOf(target);
  await Deno.mkdir(out, { recursive: true });
  const compiler = await compilerFor(runtime, out);
  const scratch = await Deno.makeTempDir();
  try {
    const entries = new Map<string, string>();
    for (const name of PROGRAMS) entries.set(name, await splitProgram(name, `${scratch}/${name}`, info));
    for (const each of targets) {
      const folder = each === Deno.build.target ? out : `${out}/${each}`;
      await Deno.mkdir(folder, { recursive: true });
      await compileFor(each, folder, entries, compiler);
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  if (release || target.length > 0) {
    for (const name of PROGRAMS) await bundleProgram(name, out, info);
    await archiveAll(targets, out, info);
  }
}
