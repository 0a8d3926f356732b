import type { Hub } from "../hub.ts";
import type { Member } from "../member.ts";

/** The result of a client's message: `"quit"` ends the session. */
export type InputResult = void | "quit" | Promise<void | "quit">;

/** A command of the text format. */
export interface ChatCommand {
  /** Name without the slash. */
  readonly name: string;
  /** Usage after the name, such as `ROOM`. */
  readonly usage: string;
  /** One line for `/help`. */
  readonly summary: string;
  /** Whether it can be used before a required login. */
  readonly isOpen?: boolean;
  /**
   * Runs the command.
   *
   * @throws {ChatError} It is rejected.
   */
  run(call: { hub: Hub; member: Member; rest: string }): InputResult;
}

/** Splits off the first word. */
export function splitWord(text: string): [word: string, rest: string] {
  const trimmed = text.trim();
  const end = trimmed.search(/\s/);
  return end === -1 ? [trimmed, ""] : [trimmed.slice(0, end), trimmed.slice(end).trim()];
}
