import { ChatError } from "../chat_error.ts";
import { login as logIn } from "../login.ts";
import { LOBBY } from "../names.ts";
import { jsonFormat } from "../event_format.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** Proves who one is, where the server asks for it. */
export const login: ChatCommand = {
  name: "login",
  usage: "NAME PASSWORD",
  summary: "prove who you are, where the server asks for it",
  isOpen: true,
  async run({ hub, member, rest }) {
    const [name, password] = splitWord(rest);
    await logIn(hub, member, name, password);
    if (member.isAdmitted) await hub.join(member, LOBBY);
  },
};

/** Goes over to the wire for programs. */
export const mode: ChatCommand = {
  name: "mode",
  usage: "json",
  summary: "for programs: one JSON object a line from now on",
  isOpen: true,
  run({ hub, member, rest }) {
    if (rest === "json") return hub.setFormat(member, jsonFormat);
    throw new ChatError("bad-request", rest === "text" ? "The mode is text already" : "It takes a mode: /mode json");
  },
};

/** Tells everyone something. */
export const announce: ChatCommand = {
  name: "announce",
  usage: "TEXT",
  summary: "operators of the server: tell everyone in every room",
  run: ({ hub, member, rest }) => hub.announce(member, rest),
};

/** Lists the commands. */
export function helpCommand(all: () => readonly ChatCommand[]): ChatCommand {
  return {
    name: "help",
    usage: "",
    summary: "this list",
    isOpen: true,
    run({ member }) {
      const rows = all().map(({ name, usage, summary }) => [`/${name} ${usage}`.trimEnd(), summary] as const);
      const width = Math.max(...rows.map(([left]) => left.length));
      const lines = rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`);
      member.tell({ type: "help", lines: ["A line without a slash is said in your current room.", ...lines] });
    },
  };
}

/** Says goodbye. */
export const quit: ChatCommand = {
  name: "quit",
  usage: "",
  summary: "leave the chat",
  isOpen: true,
  run({ member }) {
    member.tell({ type: "bye", reason: "you left" });
    return "quit";
  },
};

/** Takes another name. */
export const nick: ChatCommand = {
  name: "nick",
  usage: "NAME",
  summary: "take another name",
  run: ({ hub, member, rest }) => hub.renaming.rename(member, rest),
};

/** Says what one does. */
export const me: ChatCommand = {
  name: "me",
  usage: "TEXT",
  summary: "say what you do, as in /me waves",
  run: ({ hub, member, rest }) => hub.say(member, hub.roomOf(member), { text: rest, action: true }),
};

/** Says something to one person. */
export const msg: ChatCommand = {
  name: "msg",
  usage: "NAME TEXT",
  summary: "say something to one person",
  run({ hub, member, rest }) {
    const [to, text] = splitWord(rest);
    if (text === "") throw new ChatError("bad-request", "It takes a name and a text: /msg NAME TEXT");
    return hub.sayPrivately(member, to, text);
  },
};
