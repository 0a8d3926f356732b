/**
 * Parses the message box: commands and name completion. Pure.
 *
 * @module
 */

/** @import { Request, Wish } from "./types.ts" */

import { startOfName } from "./text.js";

/** The `id` of a member list request whose response is shown among the messages. */
export const ASKED_WHO = "who";
/** Older messages per request. */
export const HISTORY_COUNT = 50;
/** The server rejects more. */
const MAX_HISTORY_COUNT = 100;
/** Maximum length of a message, in characters. */
const MAX_TEXT_LENGTH = 4_096;

/** A word that was meant as a time. */
const TIME = /^\d+(?:\.\d+)?[a-z]{0,8}$/i;

/** For `/help`. */
export const COMMANDS = [
  "/me TEXT sends an action",
  "/msg NAME TEXT sends a private message",
  "/nick NAME changes your name",
  "/rooms lists the rooms, /join #ROOM enters or creates one, /leave leaves this one",
  "/who lists the people here, /history [COUNT] shows older messages",
  "/topic shows what this room is about, /topic TEXT sets it, /topic - removes it",
  "/kick NAME [REASON], /ban NAME [TIME] [REASON], /mute NAME [TIME] and /op NAME moderate this room",
  "/unban, /unmute and /deop NAME undo that",
  "/ignore NAME hides someone's private messages, /unignore NAME shows them again",
  "/server-kick NAME [REASON], /server-ban NAME [TIME] [REASON], /server-unban NAME and /announce TEXT are for server operators",
  "//text sends a text that begins with a slash; `code` and lines between ``` are shown as code",
];

/**
 * Parses a text; `undefined` if it is empty.
 *
 * @param {string} typed
 * @param {{ name: string, isRoom: boolean } | undefined} where The current conversation.
 * @returns {Wish | undefined}
 */
export function parseTyped(typed, where) {
  // Strips blank lines around a text, but not the indentation of its first line.
  const text = typed.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
  if (text === "") return undefined;
  if (text.length > MAX_TEXT_LENGTH) {
    return fault(`A message has at most ${MAX_TEXT_LENGTH} characters: this one has ${text.length}`);
  }
  if (!text.startsWith("/") || text.startsWith("//")) {
    if (where === undefined) return fault("You are not in a room: join one first, as in /join #lobby");
    return { kind: "say", text: text.replace(/^\/\//, "/") };
  }
  const [word = ""] = /^\S+/.exec(text) ?? [];
  const command = word.slice(1).toLowerCase();
  const rest = text.slice(word.length).trim();
  const [first = "", ...more] = rest.split(/\s+/);
  switch (command) {
    case "help":
      return { kind: "help" };
    case "me":
      if (where === undefined) return fault("You are not in a room: join one first, as in /join #lobby");
      return rest === "" ? fault("/me needs a text") : { kind: "say", text: rest, action: true };
    case "nick":
      return first === "" ? fault("/nick needs a name") : request({ type: "nick", nick: first });
    case "join":
      return first === "" ? fault("/join needs a room") : { kind: "join", room: roomName(first) };
    case "msg":
      return first === ""
        ? fault("/msg needs a name")
        : { kind: "open", nick: first, text: rest.slice(first.length).trim() };
    case "rooms":
    case "list":
      return { kind: "browse" };
    case "announce":
      return rest === "" ? fault("/announce needs a text") : request({ type: "announce", text: rest });
    case "login":
      return request({ type: "login", name: first, password: more.join(" ") });
  }
  const room = where?.isRoom ? where.name : undefined;
  const wanted = moderationRequest(command, rest, room);
  if (wanted === undefined || "room" in wanted && room === undefined) return roomWish(command, room, rest);
  return first === "" ? fault(`/${command} needs a name`) : request(wanted);
}

/**
 * @param {string} command
 * @param {string | undefined} room
 * @param {string} rest
 * @returns {Wish}
 */
function roomWish(command, room, rest) {
  if (room === undefined) return fault(`/${command} works in rooms only`);
  switch (command) {
    case "leave":
    case "part":
      return request({ type: "leave", room });
    case "who":
    case "names":
      return request({ type: "who", room, id: ASKED_WHO });
    case "history":
      return historyWish(rest);
    case "topic":
      return request({ type: "topic", room, ...(rest === "" ? {} : { topic: rest === "-" ? "" : rest }) });
  }
  return fault(`Unknown command /${command}; see /help`);
}

/**
 * Arguments of commands about a person after the name: `#` for the room, a time, a reason.
 *
 * @type {ReadonlyMap<string, string>}
 */
const PERSON_COMMANDS = new Map([
  ["kick", "# REASON"],
  ["ban", "# TIME REASON"],
  ["unban", "#"],
  ["mute", "# TIME REASON"],
  ["unmute", "#"],
  ["op", "#"],
  ["deop", "#"],
  ["ignore", ""],
  ["unignore", ""],
  ["server-kick", "REASON"],
  ["server-ban", "TIME REASON"],
  ["server-unban", ""],
]);

/**
 * Creates the request for a command about a person, `NAME [TIME] [REASON]`; `undefined` for other commands.
 *
 * @param {string} command
 * @param {string} rest The text after the command.
 * @param {string | undefined} room
 * @returns {Request | undefined}
 */
export function moderationRequest(command, rest, room) {
  const terms = PERSON_COMMANDS.get(command);
  if (terms === undefined) return undefined;
  const [, nick = "", first = "", words = ""] = /^(\S*)\s*(\S*)\s*(.*)$/s.exec(rest) ?? [];
  const isTimed = terms.includes("TIME") && TIME.test(first);
  const reason = terms.includes("REASON") ? (isTimed ? words : `${first} ${words}`.trim()) : "";
  return {
    type: command,
    ...(terms.includes("#") ? { room } : {}),
    nick,
    ...(isTimed ? { time: first } : {}),
    ...(reason === "" ? {} : { reason }),
  };
}

/**
 * @param {string} typed
 * @returns {Wish}
 */
function historyWish(typed) {
  const count = typed === "" ? HISTORY_COUNT : Number(typed);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_HISTORY_COUNT) return { kind: "history", count };
  return fault(`/history takes a number from 1 to ${MAX_HISTORY_COUNT}`);
}

/**
 * A room's name with its `#`.
 *
 * @param {string} name
 */
export function roomName(name) {
  return name.startsWith("#") ? name : `#${name}`;
}

/**
 * Completes the word before the caret to one of the names; `undefined` if none matches.
 *
 * @param {string} text
 * @param {number} caret
 * @param {readonly string[]} names
 */
export function completeName(text, caret, names) {
  const start = startOfName(text, caret);
  const word = text.slice(start, caret);
  if (word === "") return undefined;
  const found = names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase())).sort()[0];
  if (found === undefined) return undefined;
  const end = start === 0 ? ": " : " ";
  return { text: text.slice(0, start) + found + end + text.slice(caret), caret: start + found.length + end.length };
}

/**
 * @param {Request} wish
 * @returns {Wish}
 */
function request(wish) {
  return { kind: "request", request: wish };
}

/**
 * @param {string} text
 * @returns {Wish}
 */
function fault(text) {
  return { kind: "fault", text };
}
