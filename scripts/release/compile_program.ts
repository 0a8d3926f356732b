import { libcPaths } from "../../src/net/sockopt/libc.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { NPM_COMPILER, npmRuntime } from "./npm_runtime.ts";
import { run } from "./run.ts";
import type { Target } from "./targets.ts";

/**
 * What a compiled program may do. It gives the right to read and write files
 * back before it begins, where its command line names no file, and that to read
 * the environment, where its command does not use it; on Linux also that to open
 * the C library, which a relay uses before.
 */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-run", "--no-prompt"];

/** Who compiles, and on which runtime. */
export interface Compiler {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

/** The compiler for Deno's own runtime, for one from a file, or, in the folder, for the one from npm. */
export async function compilerFor(runtime: string | undefined, folder: string): Promise<Compiler> {
  if (runtime === undefined) return { command: Deno.execPath(), args: [], env: {} };
  if (runtime !== "npm") return { command: Deno.execPath(), args: [], env: { DENORT_BIN: runtime } };
  return { command: "npx", args: ["-y", NPM_COMPILER], env: { DENORT_BIN: await npmRuntime(folder) } };
}

/** Compiles what the entry imports into the file. */
export async function compileProgram(
  entry: string,
  path: string,
  { command, args, env }: Compiler,
  target: Target = Deno.build.target as Target,
): Promise<void> {
  const cross = target === Deno.build.target ? [] : ["--target", target];
  const how = ["--quiet", "--no-check", "--no-config", "--no-code-cache", "--unstable-net", V8_FLAGS];
  const permissions = [...PERMISSIONS, ...libraryPermission(target)];
  await run(command, [...args, "compile", ...how, ...permissions, ...cross, "--output", path, entry], { env });
}

function libraryPermission(target: Target): string[] {
  const [arch, , os] = target.split("-");
  if (os !== "linux") return [];
  return [`--allow-ffi=${libcPaths({ os, arch: arch === "aarch64" ? "aarch64" : "x86_64" })}`];
}
