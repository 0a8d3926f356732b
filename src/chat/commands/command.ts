import type { Hub } from "../hub.ts";
import type { Member } from "../member.ts";

/** What came of a client's message: `"quit"` ends the session. */
export type InputResult = void | "quit" | Promise<void | "quit">;

/** What a line that begins with `/` can do. */
export interface ChatCommand {
  /** As it is typed, without the slash. */
  readonly name: string;
  /** What follows the name, as in `ROOM`. */
  readonly usage: string;
  /** One line for `/help`. */
  readonly summary: string;
  /** Whether it can be used before a log-in, where one is required. */
  readonly isOpen?: boolean;
  /**
   * Runs the command.
   *
   * @throws {ChatError} It is rejected.
   */
  run(call: { hub: Hub; member: Member; rest: string }): InputResult;
}

/** The first word, and what follows it. */
export function splitWord(text: string): [word: string, rest: string] {
  const trimmed = text.trim();
  const end = trimmed.search(/\s/);
  return end === -1 ? [trimmed, ""] : [trimmed.slice(0, end), trimmed.slice(end).trim()];
}
