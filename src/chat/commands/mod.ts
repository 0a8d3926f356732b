import type { ChatCommand } from "./command.ts";
import { MODERATION_COMMANDS, SERVER_COMMANDS } from "./moderation.ts";
import { history, join, leave, rooms, topic, who } from "./rooms.ts";
import { announce, helpCommand, login, me, mode, msg, nick, quit } from "./session.ts";

/** All commands of the text format, in the order of `/help`. */
export const CHAT_COMMANDS: readonly ChatCommand[] = [
  nick,
  join,
  leave,
  rooms,
  who,
  msg,
  me,
  topic,
  history,
  login,
  mode,
  ...MODERATION_COMMANDS,
  ...SERVER_COMMANDS,
  announce,
  helpCommand(() => CHAT_COMMANDS),
  quit,
];
