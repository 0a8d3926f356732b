import { formatDuration } from "../base/units.ts";
import type { ChatEvent, People, Person } from "./event.ts";
import type { RoomMessage } from "./message.ts";

/** How events are encoded for a client. */
export interface EventFormat {
  readonly name: "text" | "json";
  /** Whether clients receive their own messages once stored; text clients have already echoed them. */
  readonly showsOwn: boolean;
  /** Maximum people in one response; the rest is counted. */
  readonly maxPeople: number;
  /** Maximum rooms in one response; the rest is counted. */
  readonly maxRooms: number;
  /** Encodes an event; returns no messages if this format does not have it. */
  encode(event: ChatEvent): readonly string[];
}

/** The WebSocket subprotocol of {@linkcode jsonFormat}. */
export const JSON_SUBPROTOCOL = "parley.v1";

/** One JSON object per message, for programs. */
export const jsonFormat: EventFormat = {
  name: "json",
  showsOwn: true,
  maxPeople: 500,
  maxRooms: 100,
  encode: (event: ChatEvent) => event.type === "help" ? [] : [JSON.stringify(event)],
};

/** Maximum names and rooms in a readable list. */
const LISTED = 50;

/**
 * Text lines: messages are `[#room] name: text`, server events start with `* `, errors with `! `. A member cannot forge
 * a server's line, because its lines start with the room.
 */
export const textFormat: EventFormat = { name: "text", showsOwn: false, maxPeople: LISTED, maxRooms: LISTED, encode };

function encode(event: ChatEvent): readonly string[] {
  switch (event.type) {
    case "message":
      return spoken(event, event.room);
    case "welcome":
      return welcome(event);
    case "joined":
      return joined(event);
    case "left":
      return [`* You left ${event.room}${because(event.reason)}`];
    case "history":
      return event.messages.flatMap((message) => spoken(message, `${event.room} ${shortTime(message.at)}`));
    case "unrecovered":
      return [`* Missed messages in ${event.room} could not be recovered: ${event.reason}`];
    case "ack":
    case "done":
    case "ping":
      // Only requested by programs.
      return [];
    case "join":
      return [`* ${event.nick} joined ${event.room}`];
    case "leave":
      return [`* ${event.nick} left ${event.room}${because(event.reason)}`];
    case "nick":
      return [`* ${event.from} is now ${event.to}`];
    case "topic":
      return [topic(event)];
    case "private":
      return linesOf(`[private] ${event.from} to ${event.to}: `, event.text);
    case "moderation":
      return [moderation(event)];
    case "rooms":
      return rooms(event);
    case "who":
      return [
        `* In ${event.room}: ${names(event)}${event.next === undefined ? "" : `: /who ${event.room} ${event.next}`}`,
      ];
    case "help":
      return event.lines.map((line) => `* ${line}`);
    case "notice":
      return [event.from === undefined ? `* ${event.text}` : `* Announcement by ${event.from}: ${event.text}`];
    case "mode":
      return [`* Mode: ${event.mode}`];
    case "error":
      return [`! ${event.text}`];
    case "bye":
      return [`* Bye: ${event.reason}`];
  }
}

function spoken({ from, text, action }: RoomMessage, where: string): string[] {
  return linesOf(action ? `[${where}] * ${from} ` : `[${where}] ${from}: `, text);
}

/** Every line names its sender, so that it cannot be mistaken for another's. */
function linesOf(head: string, text: string): string[] {
  return text.includes("\n") ? text.split("\n").map((line) => head + line) : [head + text];
}

function welcome(event: ChatEvent & { type: "welcome" }): string[] {
  const next = event.loginRequired ? "log in with /login NAME PASSWORD" : `you are ${event.nick}; see /help`;
  return [`* Welcome to Parley, ${next}`, ...event.motd.map((line) => `* ${line}`)];
}

function joined(event: ChatEvent & { type: "joined" }): string[] {
  const about = event.topic === "" ? [] : [`* Topic of ${event.room}: ${event.topic}`];
  return [`* You are in ${event.room} with ${names(event)}`, ...about];
}

function rooms({ rooms, more = 0, next }: ChatEvent & { type: "rooms" }): string[] {
  const lines = rooms.map(({ room, members, topic }) =>
    `* ${room} has ${people(members)}${topic === "" ? "" : `: ${topic}`}`
  );
  return next === undefined ? lines : [...lines, `* and ${more} more: /rooms ${next}`];
}

function topic({ room, topic, by }: ChatEvent & { type: "topic" }): string {
  if (by === undefined) return topic === "" ? `* ${room} has no topic` : `* Topic of ${room}: ${topic}`;
  return topic === "" ? `* ${by} removed the topic of ${room}` : `* ${by} set the topic of ${room}: ${topic}`;
}

const DONE = { kick: "kicked", ban: "banned", unban: "unbanned", mute: "muted", unmute: "unmuted" } as const;

function moderation({ action, room, nick, by, reason, until }: ChatEvent & { type: "moderation" }): string {
  if (action === "op") return `* ${by} made ${nick} an operator of ${room}`;
  if (action === "deop") return `* ${by} took operator rights in ${room} from ${nick}`;
  const time = until === undefined ? "" : ` for ${formatDuration(secondsUntil(until) * 1_000)}`;
  return `* ${by} ${DONE[action]} ${nick} in ${room}${time}${because(reason)}`;
}

function secondsUntil(at: string): number {
  return Math.max(1, Math.round((Date.parse(at) - Date.now()) / 1_000));
}

/** A room sends the same long list to each newcomer. */
const LONG_LISTS = new WeakMap<readonly Person[], string>();

function names({ members, more = 0 }: People): string {
  if (more === 0) return namesOf(members);
  let shown = LONG_LISTS.get(members);
  if (shown === undefined) LONG_LISTS.set(members, shown = namesOf(members));
  return `${shown} and ${more} more`;
}

function namesOf(members: readonly Person[]): string {
  return members.map(({ nick, operator }) => operator ? `@${nick}` : nick).join(", ");
}

function people(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? "" : ` (${reason})`;
}

/** Hours and minutes, preceded by the date unless it is today; UTC. */
function shortTime(at: string): string {
  const isToday = at.slice(0, 10) === new Date().toISOString().slice(0, 10);
  return isToday ? at.slice(11, 16) : `${at.slice(0, 10)} ${at.slice(11, 16)}`;
}
