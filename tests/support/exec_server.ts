/** `parley-server exec` and what it starts. */

import { assert, assertEquals } from "@std/assert";
import { type Program, startProgram } from "./in_process.ts";
import { dial, readTextToEnd, writeAll } from "./peer.ts";
import { RunningProgram } from "./program.ts";

function execWords(flags: readonly string[], program: readonly string[], endpoint = "tcp://127.0.0.1:0"): string[] {
  return ["exec", endpoint, ...flags, "--print-endpoint", "--", ...program];
}

async function untilReady<P extends Program>(server: P) {
  try {
    return { server, endpoint: await server.line(), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Runs `parley-server exec` on a free port. */
export function startExec(flags: readonly string[], program: readonly string[], endpoint?: string) {
  return untilReady(startProgram("server", execWords(flags, program, endpoint)));
}

/** The same in a separate process, whose children are counted. */
export function startExecProcess(flags: readonly string[], program: readonly string[], endpoint?: string) {
  return untilReady(new RunningProgram("server", execWords(flags, program, endpoint), { permissions: ["-A"] }));
}

export async function exchange(endpoint: string, text: string): Promise<string> {
  using conn = await dial(endpoint);
  await writeAll(conn, text);
  await conn.closeWrite();
  return await readTextToEnd(conn);
}

/** The processes that a program has started and not yet reaped. */
export async function childrenOf({ pid }: RunningProgram): Promise<string[]> {
  return (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).split(" ").filter(Boolean);
}

function descriptorsOf({ pid }: RunningProgram): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

export async function untilNoChild(server: RunningProgram): Promise<void> {
  const endMs = performance.now() + 10_000;
  while ((await childrenOf(server)).length > 0) {
    assert(performance.now() < endMs, "a process was left");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Serves as many clients, one after another, after which no process and no descriptor is left. */
export async function serveInARow(clients: number): Promise<void> {
  await using started = await startExecProcess(["--log-level", "warning"], ["cat"]);
  for (let count = 0; count < 20; count++) await exchange(started.endpoint, "warm\n");
  await untilNoChild(started.server);
  const before = descriptorsOf(started.server);
  for (let count = 0; count < clients; count++) assertEquals(await exchange(started.endpoint, "x\n"), "x\n");
  await untilNoChild(started.server);
  const after = descriptorsOf(started.server);
  assert(after <= before + 2, `${before} descriptors before, ${after} after`);
}
