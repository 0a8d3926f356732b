/** How a run of tests ended. */
export type Outcome = "passed" | "failed" | "out of time";

/** Runs test files in a copy of the tree, and ends processes that they leave behind. */
export async function runTests(
  folder: string,
  tests: readonly string[],
  timeoutMs: number,
  env: Record<string, string> = {},
): Promise<Outcome> {
  const words = ["test", "--no-check", "--allow-all", "--fail-fast", "--lock=tests/deno.lock", "--quiet"];
  // `timeout` leads a process group that includes the servers of the tests.
  const child = new Deno.Command("timeout", {
    args: [
      ...["--kill-after=5", `${timeoutMs / 1_000}`, Deno.execPath()],
      ...[...words, "--sanitize-ops", "--sanitize-resources", ...tests],
    ],
    cwd: folder,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const { code } = await child.status;
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // No process is left.
  }
  return code === 0 ? "passed" : code === 124 || code === 137 ? "out of time" : "failed";
}
