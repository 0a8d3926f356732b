/**
 * Commands that a program runs: with the program's own standard streams and
 * signals, and their exit code as its own.
 *
 * @module
 */

import type { ProgramIo } from "../cli/io.ts";
import { sendSignal, spawn } from "../process/spawn.ts";

/** Passed on to the command, besides those that end a program. */
const ALSO_FORWARDED: readonly Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGHUP", "SIGQUIT"];
/** Sent by a terminal to the whole foreground group, to the command as well as to us. */
const FROM_TERMINAL: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT"];

/** How a command is run. */
export interface ChildOptions {
  /** Variables of the environment, besides our own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command with SIGTERM. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a command to its end with our standard input, output and error. It
 * receives the signals that we receive.
 *
 * @returns Its exit code; 128 + N if signal N ended it.
 * @throws {UsageError} There is no such command, or it cannot be executed.
 */
export async function runChild(
  words: readonly string[],
  { stop, stdin }: Pick<ProgramIo, "stop" | "stdin">,
  { env = {}, signal }: ChildOptions = {},
): Promise<number> {
  // Handled from before the start on: a signal between the two would end us and leave the command behind.
  const pending: Deno.Signal[] = [];
  let forward = (received: Deno.Signal): void => void pending.push(received);
  using owner = new DisposableStack();
  owner.use(stop.divert((received) => forward(received)));
  for (const name of ALSO_FORWARDED) {
    const handler = () => forward(name);
    Deno.addSignalListener(name, handler);
    owner.defer(() => Deno.removeSignalListener(name, handler));
  }
  const child = spawn(words, { env: { ...env }, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  forward = (received) => {
    if (!(stdin.isTerminal && FROM_TERMINAL.includes(received))) sendSignal(child, received);
  };
  for (const received of pending) forward(received);
  const onAbort = () => sendSignal(child, "SIGTERM");
  signal?.addEventListener("abort", onAbort, { once: true });
  owner.defer(() => signal?.removeEventListener("abort", onAbort));
  if (signal?.aborted) onAbort();
  return (await child.status).code;
}
