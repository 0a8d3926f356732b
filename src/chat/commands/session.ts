import { ChatError } from "../chat_error.ts";
import { login as logIn } from "../login.ts";
import { LOBBY } from "../names.ts";
import { jsonFormat } from "../event_format.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** Logs in, if the server requires it. */
export const login: ChatCommand = {
  name: "login",
  usage: "NAME PASSWORD",
  summary: "log in, if the server requires it",
  isOpen: true,
  async run({ hub, member, rest }) {
    const [name, password] = splitWord(rest);
    await logIn(hub, member, name, password);
    if (member.isAdmitted) await hub.join(member, LOBBY);
  },
};

/** Switches to the JSON format. */
export const mode: ChatCommand = {
  name: "mode",
  usage: "json",
  summary: "for programs: switch to one JSON object per line",
  isOpen: true,
  run({ hub, member, rest }) {
    if (rest === "json") return hub.setFormat(member, jsonFormat);
    throw new ChatError("bad-request", rest === "text" ? "The mode is text already" : "A mode is required: /mode json");
  },
};

/** Sends an announcement to everyone. */
export const announce: ChatCommand = {
  name: "announce",
  usage: "TEXT",
  summary: "server operators: send an announcement to everyone",
  run: ({ hub, member, rest }) => hub.announce(member, rest),
};

/** Lists the commands. */
export function helpCommand(all: () => readonly ChatCommand[]): ChatCommand {
  return {
    name: "help",
    usage: "",
    summary: "list the commands",
    isOpen: true,
    run({ member }) {
      const rows = all().map(({ name, usage, summary }) => [`/${name} ${usage}`.trimEnd(), summary] as const);
      const width = Math.max(...rows.map(([left]) => left.length));
      const lines = rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
      member.deliver({ type: "help", lines: ["A line without a slash is sent to your current room.", ...lines] });
    },
  };
}

/** Leaves the chat. */
export const quit: ChatCommand = {
  name: "quit",
  usage: "",
  summary: "leave the chat",
  isOpen: true,
  run({ member }) {
    member.deliver({ type: "bye", reason: "you left" });
    return "quit";
  },
};

/** Changes the name. */
export const nick: ChatCommand = {
  name: "nick",
  usage: "NAME",
  summary: "change your name",
  run: ({ hub, member, rest }) => hub.renaming.rename(member, rest),
};

/** Sends an action. */
export const me: ChatCommand = {
  name: "me",
  usage: "TEXT",
  summary: "send an action, as in /me waves",
  run: ({ hub, member, rest }) => hub.say(member, hub.roomOf(member), { text: rest, action: true }),
};

/** Sends a private message. */
export const msg: ChatCommand = {
  name: "msg",
  usage: "NAME TEXT",
  summary: "send a private message",
  run({ hub, member, rest }) {
    const [to, text] = splitWord(rest);
    if (text === "") throw new ChatError("bad-request", "A name and a text are required: /msg NAME TEXT");
    return hub.sayPrivately(member, to, text);
  },
};
