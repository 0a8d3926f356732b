/**
 * A command, run without a shell: `exec:pg_isready -h db`. Quotes group words; use `exec:sh -c '...'` for a shell.
 *
 * Ready: it exits with 0. Not ready: any other exit status, reported with the last line of its output.
 *
 * @module
 */

import { preview, utf8 } from "../base/bytes.ts";
import { TimeoutError, UsageError } from "../base/errors.ts";
import { abortable } from "../net/wait.ts";
import { endedText, OutputTail, ProcessGroup } from "../process/process_group.ts";
import { type Facts, notReady, type ProbeContext } from "./probe.ts";

const MAX_KEPT_BYTES = 4 * 1024;
/** Maximum time to read the rest of the output after the command has ended. */
const OUTPUT_MS = 200;

export async function probe({ target, deadline }: ProbeContext): Promise<Facts> {
  const output = new OutputTail(MAX_KEPT_BYTES);
  const errors = new OutputTail(MAX_KEPT_BYTES);
  const group = new ProcessGroup(splitWords(target.path), {
    onOutput: (bytes) => output.push(bytes),
    onErrorOutput: (bytes) => errors.push(bytes),
  });
  const timeout = () => new TimeoutError("reply", `${target.text} did not exit in time`, { endpoint: target.text });
  try {
    const ended = await abortable(group.ended, deadline.wait(), timeout);
    if (ended.code === 0) return {};
    await group.hasOutputEndedWithin(OUTPUT_MS);
    const words = lastLine(errors.text) || lastLine(output.text);
    throw notReady(target, words === "" ? endedText(ended) : `${endedText(ended)}: ${words}`);
  } finally {
    await group.stop(0);
  }
}

function lastLine(text: string): string {
  return preview(utf8(text.trimEnd().split("\n").at(-1) ?? ""), 120);
}

/**
 * Splits a command line as a shell would, without any expansion.
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
  if (quote !== "") throw new UsageError(`Cannot parse the command "${text}": unterminated quote`);
  if (word !== undefined) words.push(word);
  return words;
}
