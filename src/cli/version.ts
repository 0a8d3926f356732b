/** Version of Parley; `deno.json` carries the same, and a test compares them. */
export const VERSION = "0.1.0";

/** Day of that version, for the manual pages. */
export const VERSION_DATE = "2026-11-22";

/** Commit of the build; the bundler puts it in. */
export const COMMIT = "source";

/** One line: version, build, runtime. */
export function versionLine(program: string): string {
  const { os, arch } = Deno.build;
  return `${program} ${VERSION} (${COMMIT}, deno ${Deno.version.deno}, ${os} ${arch})`;
}
