/**
 * The compiled programs under test: those in the folder that `PARLEY_PROGRAMS`
 * names, or in `dist`.
 *
 * @module
 */

import { fromFileUrl } from "../support/paths.ts";
import {
  type Outcome,
  type ProgramName,
  type RunningProgram,
  runProgram,
  startProgram,
  startServer,
} from "../support/program.ts";

const FOLDER = Deno.env.get("PARLEY_PROGRAMS") ?? fromFileUrl("../../dist");

/** The three programs. */
export const PROGRAMS: readonly ProgramName[] = ["server", "client", "udp"];

/** A program's file. */
export function executable(name: ProgramName): string {
  return `${FOLDER}/parley-${name}${Deno.build.os === "windows" ? ".exe" : ""}`;
}

/** Runs a compiled program to its end. */
export function run(name: ProgramName, args: readonly string[], input?: string): Promise<Outcome> {
  return runProgram(name, args, { executable: executable(name), ...(input === undefined ? {} : { input }) });
}

/** Starts a compiled program. */
export function start(name: ProgramName, args: readonly string[]): RunningProgram {
  return startProgram(name, args, { executable: executable(name) });
}

/** Starts the compiled server and waits until it is ready. */
export function serve(args: readonly string[]): ReturnType<typeof startServer> {
  return startServer(args, { executable: executable("server") });
}

/** Whether the programs run on an older runtime than the tests: `--runtime npm` gives them one without TLS over streams. */
export async function isOldRuntime(): Promise<boolean> {
  const { stdout } = await run("server", ["--version"]);
  const [major = 0, minor = 0] = (/deno (\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  return major < 2 || major === 2 && minor < 9;
}
