/** Version of Parley; `deno.json` carries the same, and a test compares them. */
export const VERSION = "0.1.0";

/** One line: version, runtime, build. */
export function versionLine(program: string): string {
  const { os, arch } = Deno.build;
  return `${program} ${VERSION} (deno ${Deno.version.deno}, ${os} ${arch})`;
}
