/**
 * Checks sizes of files, the absence of `any`, and duplicated facts: the version, and the dependencies in
 * src/README.md.
 *
 * @module
 */

import { type SourceFile, sourceFiles } from "./source_files.ts";

const ENTRY_LINES = 40;
const FILE_LINES = 500;

/** What the check reads besides the sources. */
interface Documents {
  /** `deno.json`, parsed. */
  readonly config: { readonly version: string; readonly imports: Readonly<Record<string, string>> };
  /** The text of src/README.md. */
  readonly readme: string;
}

/** Every violation of the limits, one line each. */
export function limitFaults(files: readonly SourceFile[], { config, readme }: Documents): string[] {
  return [
    ...files.flatMap(fileFaults),
    ...versionFaults(files, config.version),
    ...tableFaults(config.imports, readme),
  ];
}

function fileFaults({ path, text, code }: SourceFile): string[] {
  const lines = text.trimEnd().split("\n").length;
  const max = /^(?:server|client|udp)\.ts$/.test(path) ? ENTRY_LINES : FILE_LINES;
  const faults = lines > max ? [`src/${path}: ${lines} lines, at most ${max}`] : [];
  if (/(?::|\bas|<|\||,) ?any\b(?!")/.test(code)) faults.push(`src/${path}: the type any`);
  if (/@ts-(?:ignore|nocheck|expect-error)/.test(text)) faults.push(`src/${path}: a silenced type error`);
  return faults;
}

function versionFaults(files: readonly SourceFile[], version: string): string[] {
  const said = /VERSION = "([^"]+)"/.exec(files.find(({ path }) => path === "cli/version.ts")?.text ?? "")?.[1];
  return said === version ? [] : [`src/cli/version.ts says ${said}, deno.json says ${version}`];
}

function tableFaults(imports: Readonly<Record<string, string>>, readme: string): string[] {
  const table = /^## Dependencies$([\s\S]*)/m.exec(readme)?.[1] ?? "";
  return Object.keys(imports)
    .filter((name) => !name.startsWith("@parley/parley") && !table.includes(`| \`${name}\``))
    .map((name) => `src/README.md: the table of dependencies does not say why ${name} is there`);
}

if (import.meta.main) {
  const read = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));
  const papers = { config: JSON.parse(await read("deno.json")), readme: await read("src/README.md") };
  const faults = limitFaults(await sourceFiles(), papers);
  for (const fault of faults) console.error(fault);
  Deno.exit(faults.length === 0 ? 0 : 1);
}
