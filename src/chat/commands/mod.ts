import type { ChatCommand } from "./command.ts";
import { join, leave, rooms, who } from "./rooms.ts";
import { helpCommand, quit } from "./session.ts";
import { me, msg, nick } from "./talk.ts";

/** Every command of the text wire, in the order of `/help`. */
export const CHAT_COMMANDS: readonly ChatCommand[] = [
  nick,
  join,
  leave,
  rooms,
  who,
  msg,
  me,
  helpCommand(() => CHAT_COMMANDS),
  quit,
];
