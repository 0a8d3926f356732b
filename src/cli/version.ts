/** Version of Parley; a test compares it with `deno.json`. */
export const VERSION = "0.1.0";

/** Release date, for the man pages. */
export const VERSION_DATE = "2026-11-22";

/** Commit of the build, set by the bundler. */
export const COMMIT = "source";

/** One line: version, build, runtime. */
export function versionLine(program: string): string {
  const { os, arch } = Deno.build;
  return `${program} ${VERSION} (${COMMIT}, deno ${Deno.version.deno}, ${os} ${arch})`;
}
