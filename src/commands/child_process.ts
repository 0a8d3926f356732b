/**
 * Runs commands with the program's own standard streams and signals, and returns their exit code.
 *
 * @module
 */

import type { ProgramIo } from "../cli/io.ts";
import { onContinue, resume, sendSignal, spawn } from "../process/spawn.ts";
import { onAbort } from "../net/wait.ts";

/** Sent by a terminal to the whole foreground process group, including the command. */
const FROM_TERMINAL: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT"];

/** Options for running a command. */
export interface ChildOptions {
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command with SIGTERM. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a command with this program's standard streams, and forwards signals to it.
 *
 * @returns Its exit code; 128 + N if signal N ended it.
 * @throws {UsageError} The command was not found or cannot be executed.
 */
export async function runChild(
  words: readonly string[],
  { stop, stdin, stderr }: Pick<ProgramIo, "stop" | "stdin" | "stderr">,
  { env = {}, signal }: ChildOptions = {},
): Promise<number> {
  // Handled before the start, so that a signal does not end this program and leave the command running.
  const pending: Deno.Signal[] = [];
  let forward = (received: Deno.Signal): void => void pending.push(received);
  using owner = new DisposableStack();
  owner.use(stop.divert((received) => forward(received)));
  owner.use(stop.includeFurther());
  const child = spawn(words, { env: { ...env }, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  const send = (name: Deno.Signal) => {
    if (!sendSignal(() => child.kill(name))) {
      stderr.write(`Cannot send ${name} to "${words[0]}": it runs as another user\n`);
    }
  };
  forward = (received) => {
    if (!(stdin.isTerminal && FROM_TERMINAL.includes(received))) send(received);
    resume(child);
  };
  for (const received of pending) forward(received);
  owner.use(onAbort(signal, () => forward("SIGTERM")));
  owner.use(onContinue(() => resume(child)));
  return (await child.status).code;
}
