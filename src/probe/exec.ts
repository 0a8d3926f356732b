/**
 * A command: `exec:pg_isready -h db`. No shell runs it; words in quotes stay
 * together, and `exec:sh -c '...'` asks for a shell.
 *
 * Ready: it exits with 0. Not ready: any other exit status, with the last line
 * that it wrote.
 *
 * @module
 */

import { preview, utf8 } from "../base/bytes.ts";
import { ParleyError, TimeoutError, UsageError } from "../base/errors.ts";
import { abortable } from "../net/wait.ts";
import { type Facts, notReady, type ProbeContext } from "./probe.ts";

export async function probe({ target, deadline }: ProbeContext): Promise<Facts> {
  const [program = "", ...args] = splitWords(target.path);
  const child = spawn(target.text, program, args);
  // Collected at once: a child that fills a pipe would never end.
  const output = child.output();
  const timeout = () => new TimeoutError("reply", `${target.text} did not end in time`, { endpoint: target.text });
  try {
    const { code, signal, stdout, stderr } = await abortable(output, deadline.wait(), timeout);
    if (code === 0) return {};
    const words = lastLine(stderr) || lastLine(stdout);
    const status = signal === null ? `exit status ${code}` : `ended by ${signal}`;
    throw notReady(target, words === "" ? status : `${status}: ${words}`);
  } catch (error) {
    if (!(error instanceof ParleyError) || error instanceof TimeoutError) await end(child, output);
    throw error;
  }
}

function spawn(endpoint: string, program: string, args: readonly string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // A process group of its own, so that what the command started ends with it.
      detached: Deno.build.os !== "windows",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError(`Cannot run "${program}": no such command`, { endpoint, cause: error });
  }
}

async function end(child: Deno.ChildProcess, output: Promise<unknown>): Promise<void> {
  try {
    if (Deno.build.os === "windows") child.kill("SIGKILL");
    else Deno.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
  await output;
}

function lastLine(bytes: Uint8Array): string {
  const lines = new TextDecoder().decode(bytes).trimEnd().split("\n");
  return preview(utf8(lines.at(-1) ?? ""), 120);
}

/**
 * Words as a shell would split them, without any expansion.
 *
 * @throws {UsageError} A quote is not closed.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === "\\" && quote !== "'" && at + 1 < text.length) word = (word ?? "") + text[++at];
    else if (quote !== "") {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") throw new UsageError(`Cannot split the command "${text}": a quote is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}
