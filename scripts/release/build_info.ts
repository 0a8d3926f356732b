/** What is embedded in a build besides the sources. */
export interface BuildInfo {
  /** The version in `deno.json`. */
  readonly version: string;
  /** Commit of the sources, with `-dirty` if files differ from it; `unknown` outside a clone. */
  readonly commit: string;
}

/** Reads the version and the commit of this clone. */
export async function buildInfo(): Promise<BuildInfo> {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const head = await git(["rev-parse", "--short=12", "HEAD"]);
  const changes = await git(["status", "--porcelain", "--untracked-files=no"]);
  const commit = head === undefined ? "unknown" : `${head}${changes ? "-dirty" : ""}`;
  return { version: String(config.version), commit };
}

async function git(args: readonly string[]): Promise<string | undefined> {
  try {
    const command = new Deno.Command("git", {
      args: [...args],
      cwd: new URL("../..", import.meta.url),
      stderr: "null",
    });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    // A source archive, or a machine without git.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
