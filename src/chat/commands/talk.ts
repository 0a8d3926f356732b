import { ChatError } from "../chat_error.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** Takes another name. */
export const nick: ChatCommand = {
  name: "nick",
  usage: "NAME",
  summary: "take another name",
  run: ({ hub, member, rest }) => hub.rename(member, rest),
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
