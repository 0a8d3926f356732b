import { messageOf } from "../../../base/errors.ts";
import { didYouMean } from "../../../base/suggest.ts";
import { CHAT_COMMANDS } from "../../../chat/commands/mod.ts";
import { checkRoom, MAX_HISTORY } from "../../../chat/names.ts";
import { moderationRequest } from "../../../chat/page/composer.js";
import type { Request } from "./link.ts";

/** A parsed input line. */
export type Typed =
  | { readonly kind: "nothing" }
  | { readonly kind: "say"; readonly text: string; readonly action?: true }
  | { readonly kind: "request"; readonly request: Request }
  /** Make a room the current one, joining it if necessary. */
  | { readonly kind: "join"; readonly room: string }
  | { readonly kind: "quit" }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly text: string };

/** Commands of the text format without an equivalent in JSON. */
const NOT_HERE = new Set(["login", "mode"]);

/** Commands in the order of `/help`. */
export const TYPED_COMMANDS = CHAT_COMMANDS.filter(({ name }) => !NOT_HERE.has(name));

/** Parses a line; commands without a room apply to `room`, the current one. */
export function readTyped(line: string, room: string | undefined): Typed {
  if (line.trim() === "") return { kind: "nothing" };
  if (!line.startsWith("/")) return { kind: "say", text: line };
  if (line.startsWith("//")) return { kind: "say", text: line.slice(1) };
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const [, first = "", after = ""] = /^(\S*)\s*(.*)$/s.exec(rest.trim()) ?? [];
  const request = (request: Request): Typed => ({ kind: "request", request });
  const inRoom = (make: (room: string) => Request, wanted = room): Typed =>
    wanted === undefined ? { kind: "wrong", text: "You are not in a room: /join #lobby" } : request(make(wanted));
  const command = name.toLowerCase();
  const usage = TYPED_COMMANDS.find((known) => known.name === command)?.usage ?? "";
  if (first === "" && /^[A-Z]/.test(usage)) return wrong(`/${command} ${usage}`);
  switch (command) {
    case "me":
      return { kind: "say", text: rest, action: true };
    case "join":
      return first === "" ? wrong(`/join ${usage}`) : joinOf(first);
    case "leave":
      return inRoom((room) => ({ type: "leave", room }), first || room);
    case "nick":
      return request({ type: "nick", nick: rest.trim() });
    case "msg":
      return after === "" ? wrong(`/msg ${usage}`) : request({ type: "private", to: first, text: after });
    case "rooms":
      return request({ type: "rooms", ...(rest === "" ? {} : { after: rest }) });
    case "who":
      return inRoom((room) => ({ type: "who", room, ...(after === "" ? {} : { after }) }), first || room);
    case "topic":
      return inRoom((room) => ({ type: "topic", room, ...(rest === "" ? {} : { topic: rest === "-" ? "" : rest }) }));
    case "history":
      if (!isCount(first || "20")) return wrong(`/history ${usage}, with N from 1 to ${MAX_HISTORY}`);
      return inRoom((room) => ({ type: "history", room, count: Number(first || 20) }));
    case "announce":
      return request({ type: "announce", text: rest });
    case "quit":
    case "exit":
      return { kind: "quit" };
    case "help":
      return { kind: "help" };
    default: {
      const wanted = moderationRequest(command, rest.trim(), room);
      // The server validates the fields.
      if (wanted !== undefined) return "room" in wanted ? inRoom(() => wanted as Request) : request(wanted as Request);
      const hint = didYouMean(command, TYPED_COMMANDS.map((known) => known.name), "see /help", "/");
      return { kind: "wrong", text: `Unknown command /${name}; ${hint}` };
    }
  }
}

/** Normalised as the server does, so that its response is recognised. */
function joinOf(room: string): Typed {
  try {
    return { kind: "join", room: checkRoom(room) };
  } catch (error) {
    return { kind: "wrong", text: messageOf(error) };
  }
}

function isCount(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_HISTORY;
}

function wrong(usage: string): Typed {
  return { kind: "wrong", text: `Usage: ${usage}` };
}
