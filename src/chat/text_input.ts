import { didYouMean } from "../base/suggest.ts";
import { ChatError } from "./chat_error.ts";
import { decodeText } from "./clean_text.ts";
import { CHAT_COMMANDS } from "./commands/mod.ts";
import type { Hub } from "./hub.ts";
import type { InputResult } from "./commands/command.ts";
import { type Input, textOf } from "./input.ts";
import type { Member } from "./member.ts";

const COMMANDS = new Map(CHAT_COMMANDS.map((command) => [command.name, command]));

/**
 * Handles a line of the text format.
 *
 * @throws {ChatError} The line is rejected.
 */
export function handleText(hub: Hub, member: Member, input: Input): InputResult {
  const line = textOf(input) ?? decodeText(withoutTelnetCommands(input.data));
  // Telnet commands alone are not an input line.
  if (line === "" && input.data.length > 0) return;
  if (line === undefined) throw new ChatError("not-text", "The line is not valid UTF-8 and was dropped");
  if (!line.startsWith("/") || line.startsWith("//")) {
    mustBeAdmitted(member);
    // Two slashes start a message that begins with one.
    return hub.say(member, hub.roomOf(member), { text: line.startsWith("//") ? line.slice(1) : line });
  }
  const [, name = "", rest = ""] = /^\/(\S*)\s?(.*)$/s.exec(line) ?? [];
  const command = COMMANDS.get(name.toLowerCase());
  if (command === undefined) {
    const hint = didYouMean(name, [...COMMANDS.keys()], "see /help", "/");
    throw new ChatError("bad-request", `Unknown command /${name.slice(0, 32)}; ${hint}`);
  }
  if (!command.isOpen) mustBeAdmitted(member);
  return command.run({ hub, member, rest: rest.trim() });
}

function mustBeAdmitted(member: Member): void {
  if (!member.isAdmitted) throw new ChatError("login-required", "Log in first: /login NAME PASSWORD");
}

/** "Interpret as command" (RFC 854). */
const IAC = 0xff;
const SUBNEGOTIATION_END = 0xf0;
const SUBNEGOTIATION = 0xfa;
/** Commands from here on are followed by an option: WILL, WON'T, DO, DON'T. */
const WILL = 0xfb;

/**
 * Removes telnet commands from a line: telnet clients offer options when they connect, and send Ctrl-C as a command.
 * Not answering rejects the options (RFC 854).
 */
export function withoutTelnetCommands(line: Uint8Array): Uint8Array {
  const kept: number[] = [];
  const lastEnd = lastEndOf(line);
  for (let at = 0; at < line.length;) {
    const length = commandLength(line, at, lastEnd);
    if (length === 0) kept.push(line[at++] ?? 0);
    else at += length;
  }
  return Uint8Array.from(kept);
}

/** End of the last subnegotiation, so that no search runs for a missing end. */
function lastEndOf(line: Uint8Array): number {
  let end = line.lastIndexOf(SUBNEGOTIATION_END);
  while (end > 0 && line[end - 1] !== IAC) end = line.lastIndexOf(SUBNEGOTIATION_END, end - 1);
  return end - 1;
}

/** The length of the command at this position; 0 if there is none. */
function commandLength(line: Uint8Array, at: number, lastEnd: number): number {
  const command = line[at + 1] ?? 0;
  if (line[at] !== IAC || command < SUBNEGOTIATION_END || command === IAC) return 0;
  if (command >= WILL) return at + 2 < line.length ? 3 : 0;
  if (command !== SUBNEGOTIATION) return 2;
  for (let end = at + 2; end <= lastEnd; end++) {
    if (line[end] === IAC && line[end + 1] === SUBNEGOTIATION_END) return end + 2 - at;
  }
  return 0;
}
