import { libcPaths } from "../../src/net/sockopt/libc.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { NPM_COMPILER, npmRuntime } from "./npm_runtime.ts";
import { run } from "./run.ts";
import type { Target } from "./targets.ts";

/**
 * The permissions of a compiled program. At its start it drops the permission to access files if its command line names
 * none, and the permission for the environment if its command does not use it; on Linux also the permission to open the
 * C library, which a relay uses first.
 */
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-run", "--no-prompt"];

/** The compiler and its runtime. */
export interface Compiler {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

/** The compiler for Deno's own runtime, for one from a file, or for the one from npm, which the folder receives. */
export async function compilerFor(runtime: string | undefined, folder: string): Promise<Compiler> {
  if (runtime === undefined) return { command: Deno.execPath(), args: [], env: {} };
  if (runtime !== "npm") return { command: Deno.execPath(), args: [], env: { DENORT_BIN: runtime } };
  return { command: "npx", args: ["-y", NPM_COMPILER], env: { DENORT_BIN: await npmRuntime(folder) } };
}

/** Compiles the entry and its imports into the file. */
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
