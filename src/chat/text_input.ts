import { suggest } from "../base/suggest.ts";
import { ChatError } from "./chat_error.ts";
import { decodeText } from "./clean_text.ts";
import { CHAT_COMMANDS } from "./commands/mod.ts";
import type { Hub } from "./hub.ts";
import type { InputResult } from "./input.ts";
import type { Member } from "./member.ts";
import { withoutTelnetCommands } from "./telnet.ts";

const COMMANDS = new Map(CHAT_COMMANDS.map((command) => [command.name, command]));

/**
 * Does what a line of the text wire says.
 *
 * @throws {ChatError} It is refused.
 */
export function handleText(hub: Hub, member: Member, data: Uint8Array): InputResult {
  const line = decodeText(data) ?? decodeText(withoutTelnetCommands(data));
  // Commands of telnet alone are no line that someone typed.
  if (line === "" && data.length > 0) return;
  if (line === undefined) throw new ChatError("not-text", "That line is not UTF-8 and was not passed on");
  if (!line.startsWith("/") || line.startsWith("//")) {
    mustBeAdmitted(member);
    // Two slashes begin a message that begins with one.
    return hub.say(member, hub.roomOf(member), { text: line.startsWith("//") ? line.slice(1) : line });
  }
  const [, name = "", rest = ""] = /^\/(\S*)\s?(.*)$/s.exec(line) ?? [];
  const command = COMMANDS.get(name.toLowerCase());
  if (command === undefined) {
    const near = suggest(name, [...COMMANDS.keys()]);
    throw new ChatError(
      "bad-request",
      `No command is called /${name.slice(0, 32)}; ${near ? `did you mean /${near}?` : "/help lists them"}`,
    );
  }
  if (!command.isOpen) mustBeAdmitted(member);
  return command.run({ hub, member, rest: rest.trim() });
}

function mustBeAdmitted(member: Member): void {
  if (!member.isAdmitted) throw new ChatError("login-required", "Log in first: /login NAME PASSWORD");
}
