import { ChatError } from "../chat_error.ts";
import { checkLine } from "../clean_text.ts";
import { LOBBY, MAX_HISTORY } from "../names.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** Enters a room. */
export const join: ChatCommand = {
  name: "join",
  usage: "#ROOM",
  summary: "enter a room and speak there; creates it if it is new",
  run: ({ hub, member, rest }) => hub.join(member, splitWord(rest)[0]),
};

/** Leaves a room. */
export const leave: ChatCommand = {
  name: "leave",
  usage: "[#ROOM]",
  summary: "leave a room, or the current one",
  run({ hub, member, rest }) {
    const room = hub.roomOf(member, splitWord(rest)[0] || undefined);
    hub.part(member, room);
    member.deliver({ type: "left", room: room.name });
    if (member.current) member.deliver({ type: "notice", text: `Your current room is ${member.current.name}` });
  },
};

/** Lists the rooms. */
export const rooms: ChatCommand = {
  name: "rooms",
  usage: "[NEXT]",
  summary: "list the rooms with the most people first",
  run({ hub, member, rest }) {
    const page = hub.rooms(member.format.maxRooms, rest || undefined);
    if (page.rooms.length > 0 || rest !== "") return member.answer({ type: "rooms", ...page });
    member.deliver({ type: "notice", text: `There are no rooms; /join ${LOBBY} creates one` });
  },
};

/** Lists who is in a room. */
export const who: ChatCommand = {
  name: "who",
  usage: "[#ROOM [NEXT]]",
  summary: "list the people in a room; @ marks an operator",
  run({ hub, member, rest }) {
    const [name, after] = splitWord(rest);
    const room = hub.roomOf(member, name || undefined);
    return member.answer({ type: "who", room: room.name, ...room.people(member.format.maxPeople, after || undefined) });
  },
};

/** Shows or sets the topic. */
export const topic: ChatCommand = {
  name: "topic",
  usage: "[TEXT]",
  summary: "show the room's topic; operators set it, - removes it",
  run({ hub, member, rest }) {
    const room = hub.roomOf(member);
    if (rest === "") return member.deliver({ type: "topic", room: room.name, topic: room.topic });
    room.checkOperator(member);
    return room.decide({ action: "topic", by: member.nick, topic: rest === "-" ? "" : checkLine("topic", rest) });
  },
};

/** Shows older messages. */
export const history: ChatCommand = {
  name: "history",
  usage: "[N]",
  summary: "show the last N messages of the room, 20 by default",
  async run({ hub, member, rest }) {
    const count = rest === "" ? 20 : Number(rest);
    if (!Number.isInteger(count) || count < 1 || count > MAX_HISTORY) {
      throw new ChatError("bad-request", `A number from 1 to ${MAX_HISTORY} is required: /history 50`);
    }
    const room = hub.roomOf(member);
    const found = await room.history(count);
    if (found.messages.length > 0) await member.answer(found);
    else member.deliver({ type: "notice", text: `No messages in ${room.name} yet` });
  },
};
