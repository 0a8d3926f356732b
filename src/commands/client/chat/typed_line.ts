import type { Request } from "./link.ts";

/** What a line that someone typed asks for. */
export type Typed =
  | { readonly kind: "nothing" }
  | { readonly kind: "say"; readonly text: string; readonly action?: true }
  | { readonly kind: "request"; readonly request: Request }
  /** Speak in that room from now on, entering it first where that is needed. */
  | { readonly kind: "join"; readonly room: string }
  | { readonly kind: "quit" }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly text: string };

const TIME = /^\d[\d.]*(?:ms|s|m|h|d)/;

/** Reads a line; commands without a room are for `room`, the current one. */
export function readTyped(line: string, room: string | undefined): Typed {
  if (line.trim() === "") return { kind: "nothing" };
  if (!line.startsWith("/")) return { kind: "say", text: line };
  if (line.startsWith("//")) return { kind: "say", text: line.slice(1) };
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const [, first = "", after = ""] = /^(\S*)\s*(.*)$/s.exec(rest.trim()) ?? [];
  const request = (request: Request): Typed => ({ kind: "request", request });
  const inRoom = (make: (room: string) => Request, wanted = room): Typed =>
    wanted === undefined ? { kind: "wrong", text: "You are in no room: /join #lobby" } : request(make(wanted));
  switch (name.toLowerCase()) {
    case "me":
      return { kind: "say", text: rest, action: true };
    case "join":
      return first === "" ? wrong("/join #ROOM") : { kind: "join", room: first.startsWith("#") ? first : `#${first}` };
    case "leave":
      return inRoom((room) => ({ type: "leave", room }), first || room);
    case "nick":
      return request({ type: "nick", nick: rest.trim() });
    case "msg":
      return after === "" ? wrong("/msg NAME TEXT") : request({ type: "private", to: first, text: after });
    case "rooms":
      return request({ type: "rooms" });
    case "who":
      return inRoom((room) => ({ type: "who", room }), first || room);
    case "topic":
      return inRoom((room) => ({ type: "topic", room, ...(rest === "" ? {} : { topic: rest === "-" ? "" : rest }) }));
    case "history":
      return inRoom((room) => ({ type: "history", room, count: Number(first || 20) }));
    case "announce":
      return request({ type: "announce", text: rest });
    case "kick":
      return inRoom((room) => ({ type: "kick", room, nick: first, ...(after === "" ? {} : { reason: after }) }));
    case "ban":
    case "mute": {
      const [time, reason] = TIME.test(after)
        ? [after.split(/\s/)[0], after.replace(/^\S+\s*/, "")]
        : [undefined, after];
      const options = { ...(time ? { time } : {}), ...(reason ? { reason } : {}) };
      return inRoom((room) => ({ type: name.toLowerCase() as "ban" | "mute", room, nick: first, ...options }));
    }
    case "unban":
    case "unmute":
    case "op":
    case "deop":
      return inRoom((room) => ({ type: name.toLowerCase() as "op", room, nick: first }));
    case "quit":
    case "exit":
      return { kind: "quit" };
    case "help":
      return { kind: "help" };
    default:
      return { kind: "wrong", text: `No command is called /${name}; /help lists them` };
  }
}

function wrong(usage: string): Typed {
  return { kind: "wrong", text: `It is written ${usage}` };
}
