/**
 * What is typed into the message box: commands and the completion of names.
 * Pure.
 *
 * @module
 */

/** For `/help`. */
export const COMMANDS = [
  "/me TEXT says what you do",
  "/msg NAME TEXT speaks to one person",
  "/nick NAME changes your name",
  "/join #room enters or creates a room, /leave leaves this one",
  "/topic TEXT sets what this room is about",
  "/kick NAME, /ban NAME [TIME], /unban NAME, /mute NAME [TIME], /unmute NAME, /op NAME, /deop NAME moderate this room",
  "//text says a text that begins with a slash",
];

/**
 * What a line asks for.
 *
 * @param {string} line
 * @param {{ name: string, isRoom: boolean } | undefined} where The conversation that is shown.
 * @returns {{ say: { text: string, action?: true } } | { request: object } | { open: string, text?: string } | { help: true } | { fault: string } | undefined}
 */
export function parseLine(line, where) {
  const text = line.trim();
  if (text === "") return undefined;
  if (!text.startsWith("/")) return { say: { text } };
  if (text.startsWith("//")) return { say: { text: text.slice(1) } };
  const [, command, rest] = /^\/(\S*)\s*(.*)$/s.exec(text);
  const [first = "", ...more] = rest.split(/\s+/).filter(Boolean);
  const room = where?.isRoom ? where.name : undefined;
  switch (command.toLowerCase()) {
    case "help":
      return { help: true };
    case "me":
      return rest === "" ? { fault: "/me needs a text" } : { say: { text: rest, action: true } };
    case "nick":
      return first === "" ? { fault: "/nick needs a name" } : { request: { type: "nick", nick: first } };
    case "join":
      return first === "" ? { fault: "/join needs a room" } : { request: { type: "join", room: roomName(first) } };
    case "msg":
      return first === "" ? { fault: "/msg needs a name" } : { open: first, text: rest.slice(first.length).trim() };
    case "login":
      return { request: { type: "login", name: first, password: more.join(" ") } };
  }
  if (room === undefined) return { fault: `/${command} is for rooms` };
  switch (command.toLowerCase()) {
    case "leave":
    case "part":
      return { request: { type: "leave", room } };
    case "topic":
      return { request: { type: "topic", room, topic: rest } };
    case "kick":
      return { request: moderation("kick", room, first, { reason: more.join(" ") }) };
    case "ban":
    case "mute":
      return { request: moderation(command, room, first, { time: more[0], reason: more.slice(1).join(" ") }) };
    case "unban":
    case "unmute":
    case "op":
    case "deop":
      return { request: moderation(command, room, first, {}) };
  }
  return { fault: `No command is called /${command}; /help lists them` };
}

/** A room's name with its `#`. */
export function roomName(name) {
  return name.startsWith("#") ? name : `#${name}`;
}

/**
 * The text with the word before the caret completed to one of the names, or
 * `undefined` where none fits.
 */
export function completeName(text, caret, names) {
  const before = text.slice(0, caret);
  const word = /[\w\-[\]{}|]+$/.exec(before)?.[0];
  if (word === undefined) return undefined;
  const found = names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase())).sort()[0];
  if (found === undefined) return undefined;
  const start = caret - word.length;
  const end = start === 0 ? ": " : " ";
  return { text: text.slice(0, start) + found + end + text.slice(caret), caret: start + found.length + end.length };
}

function moderation(type, room, nick, { time, reason }) {
  return { type, room, nick, ...(time ? { time } : {}), ...(reason ? { reason } : {}) };
}
