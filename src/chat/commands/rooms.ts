import { LOBBY } from "../names.ts";
import { type ChatCommand, splitWord } from "./command.ts";

/** Enters a room. */
export const join: ChatCommand = {
  name: "join",
  usage: "#ROOM",
  summary: "enter a room and speak there; it is made if it is new",
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
    member.tell({ type: "left", room: room.name });
    if (member.current) member.tell({ type: "notice", text: `Now you speak in ${member.current.name}` });
  },
};

/** Lists the rooms. */
export const rooms: ChatCommand = {
  name: "rooms",
  usage: "",
  summary: "the rooms that someone is in",
  run({ hub, member }) {
    const list = Array.from(hub.rooms, ({ name, size, topic }) => ({ room: name, members: size, topic }));
    if (list.length > 0) member.tell({ type: "rooms", rooms: list });
    else member.tell({ type: "notice", text: `Nobody is in any room; /join ${LOBBY} enters one` });
  },
};

/** Lists who is in a room. */
export const who: ChatCommand = {
  name: "who",
  usage: "[#ROOM]",
  summary: "who is in a room; @ marks an operator",
  run({ hub, member, rest }) {
    const room = hub.roomOf(member, splitWord(rest)[0] || undefined);
    member.tell({ type: "who", room: room.name, members: room.people() });
  },
};
