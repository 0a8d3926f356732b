/**
 * Runs every gate in turn, cheap ones first, and stops at the first that fails.
 *
 * @module
 */

/** One gate: its name, and the arguments of `deno`. */
interface Gate {
  readonly name: string;
  readonly args: readonly string[];
}

const GATES: readonly Gate[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["task", "check"] },
  { name: "imports", args: ["run", "--allow-read=src", "scripts/check_imports.ts"] },
  { name: "limits", args: ["run", "--allow-read=src,deno.json", "scripts/check_limits.ts"] },
  { name: "tested", args: ["run", "--allow-read=src,tests", "scripts/check_limit_tests.ts"] },
  {
    name: "docs",
    args: [
      "doc",
      "--lint",
      "src/mod.ts",
      "src/server/mod.ts",
      "src/probe/mod.ts",
      "src/script/mod.ts",
      "src/relay/mod.ts",
      "src/chat/mod.ts",
      "src/datagram/mod.ts",
      "src/testing.ts",
      "src/stack.ts",
    ],
  },
  { name: "examples", args: ["task", "doc"] },
  { name: "tests", args: ["task", "test"] },
];

async function run(gate: Gate): Promise<boolean> {
  const startedMs = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...gate.args],
    stdin: "null",
  }).output();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  console.log(`${success ? "ok  " : "FAIL"}  ${gate.name.padEnd(8)}  ${seconds.padStart(6)} s`);
  if (success) return true;
  const decoder = new TextDecoder();
  console.error(`${decoder.decode(stdout)}${decoder.decode(stderr)}`.trimEnd());
  console.error(`\nthe gate "${gate.name}" failed: deno ${gate.args.join(" ")}`);
  return false;
}

for (const gate of GATES) {
  if (!await run(gate)) Deno.exit(1);
}
