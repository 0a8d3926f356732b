/**
 * Tools of the system that some tests talk to.
 *
 * @module
 */

/** Whether the program is found on the path. */
function isInstalled(name: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(Deno.build.os === "windows" ? ";" : ":");
  const names = Deno.build.os === "windows" ? [`${name}.exe`] : [name];
  return folders.some((folder) =>
    names.some((file) => {
      try {
        return Deno.statSync(`${folder}/${file}`).isFile;
      } catch {
        // Not there: the next folder.
        return false;
      }
    })
  );
}

/**
 * Defines a test that runs a tool of the system. Where the tool is missing the
 * test is skipped, and its name says why; in CI (`CI` is set) it fails.
 */
export function toolTest(tool: string, name: string, run: () => Promise<void>): void {
  const isMissing = !isInstalled(tool);
  const mayBeMissing = !Deno.env.get("CI");
  Deno.test({
    name: isMissing ? `${name} (${tool} is not installed)` : name,
    ignore: isMissing && mayBeMissing,
    async fn() {
      if (isMissing) throw new Error(`${tool} is not installed`);
      await run();
    },
  });
}
