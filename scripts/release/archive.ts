import { TOPICS } from "../../src/manual/topics.ts";
import type { BuildInfo } from "./build_info.ts";
import { PROGRAMS } from "./bundle_program.ts";
import { run } from "./run.ts";
import { fileName, type Target } from "./targets.ts";

const PAPERS = ["LICENSE", "README.md"];

/** Name of a target's archive, without its extension. */
function archiveName(version: string, target: string): string {
  return `parley-${version}-${target}`;
}

/** Packs a target's programs in `out` with manual pages, completions and documents; returns the archive's name. */
export async function makeArchive(target: Target, out: string, { version }: BuildInfo): Promise<string> {
  const name = archiveName(version, target);
  const from = target === Deno.build.target ? out : `${out}/${target}`;
  const folder = `${out}/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  try {
    for (const program of PROGRAMS) {
      const file = fileName(program, target);
      await Deno.copyFile(`${from}/${file}`, `${folder}/${file}`);
    }
    await writeDocumentation(folder, out);
    for (const paper of PAPERS) {
      await Deno.copyFile(new URL(`../../${paper}`, import.meta.url), `${folder}/${paper}`);
    }
    await run("tar", ["-czf", `${name}.tar.gz`, name], { cwd: out });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return `${name}.tar.gz`;
}

async function writeDocumentation(folder: string, bundles: string): Promise<void> {
  await Deno.mkdir(`${folder}/man`);
  await Deno.mkdir(`${folder}/completions`);
  const [first] = PROGRAMS;
  for (const { name } of TOPICS) {
    const page = await run(Deno.execPath(), ["run", "--quiet", `${bundles}/parley-${first}.js`, "man", name]);
    await Deno.writeTextFile(`${folder}/man/parley-${name}.7`, page);
  }
  for (const program of PROGRAMS) {
    const print = (...words: string[]) =>
      run(Deno.execPath(), ["run", "--quiet", "--allow-net", `${bundles}/parley-${program}.js`, ...words]);
    await Deno.writeTextFile(`${folder}/man/parley-${program}.1`, await print("man"));
    for (const shell of ["bash", "zsh", "fish"]) {
      await Deno.writeTextFile(`${folder}/completions/parley-${program}.${shell}`, await print("completions", shell));
    }
  }
}
