/** How a run of tests ended: `timed out` if no test failed except by its deadline, `hung` if the run did not end. */
export type Outcome = "passed" | "failed" | "timed out" | "hung";

/** Limits of a run of tests. */
export interface RunOptions {
  readonly timeoutMs: number;
  /** For each test; see `tests/support/test_deadline.ts`. */
  readonly deadlineMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs test files in a copy of the tree until one fails, and ends processes that they leave behind. */
export async function runTests(
  folder: string,
  tests: readonly string[],
  { timeoutMs, deadlineMs, env = {} }: RunOptions,
): Promise<Outcome> {
  const words = ["test", "--no-check", "--allow-all", "--fail-fast", "--parallel", "--lock=tests/deno.lock", "--quiet"];
  const flags = ["--sanitize-ops", "--sanitize-resources", "--preload=tests/support/test_deadline.ts"];
  // `timeout` leads a process group that includes the servers of the tests.
  const child = new Deno.Command("timeout", {
    args: ["--kill-after=5", `${timeoutMs / 1_000}`, Deno.execPath(), ...words, ...flags, ...tests],
    cwd: folder,
    env: { NO_COLOR: "1", DENO_JOBS: "2", PARLEY_TEST_DEADLINE_MS: `${deadlineMs}`, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const printed = new Response(child.stdout).text();
  const { code } = await child.status;
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // No process is left.
  }
  return outcomeOf(code, await printed);
}

/** The outcome of `deno test` by the exit code of `timeout` and what was printed. */
export function outcomeOf(code: number, printed: string): Outcome {
  if (code === 0) return "passed";
  if (code === 124 || code === 137) return "hung";
  const errors = [...printed.matchAll(/^error: (.*)$/gm)].map(([, error = ""]) => error);
  return errors.length > 0 && errors.every((error) => error.startsWith("Test timed out")) ? "timed out" : "failed";
}
