import { keyOf } from "../../../chat/names.ts";
import type { ChatEvent } from "../../../chat/event.ts";
import type { RoomMessage } from "../../../chat/message.ts";
import { textFormat } from "../../../chat/event_format.ts";
import { safeText } from "../../../cli/safe_text.ts";

/** Options for rendering events. */
interface ShowOptions {
  /** Whether colours may be used. */
  readonly color: boolean;
  /** The current room, which its messages do not name. */
  readonly currentRoom: string | undefined;
  /** The user's name, which is highlighted. */
  readonly nick?: string | undefined;
}

/** Colors that are readable on light and dark backgrounds. */
const NAME_COLORS = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96];
const FAINT = 2;

/** Characters of names. */
const NAME_CHARACTER = "[\\p{L}\\p{M}\\p{N}_\\-[\\]{}|]";

/** Starts the highlighted own name: bold and inverse. */
const MARKED = "\x1b[1;7m";

/** Indentation as wide as the time. */
const INDENT = " ".repeat("00:00 ".length);

/** Renders an event as lines for a terminal; none if it is not shown. */
export function showEvent(event: ChatEvent, options: ShowOptions): string[] {
  switch (event.type) {
    case "message":
      return message(event, options);
    case "history":
      return event.messages.flatMap((old) => message(old, options));
    case "private": {
      const head = `${time(event.at, options)} ${name(event.from, options)} -> ${name(event.to, options)}: `;
      return linesOf(head, event.text, options);
    }
    default:
      return textFormat.encode(event).map((line) => paint(safe(line), event.type === "error" ? 31 : FAINT, options));
  }
}

/** The color of a name, independent of its case. */
export function colorOfName(nick: string): number {
  let hash = 0;
  for (const char of keyOf(nick)) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return NAME_COLORS[hash % NAME_COLORS.length] ?? FAINT;
}

function message({ room, at, from, text, action }: RoomMessage, options: ShowOptions): string[] {
  const isElsewhere = options.currentRoom === undefined || keyOf(room) !== keyOf(options.currentRoom);
  const where = isElsewhere ? `${safe(room)} ` : "";
  const who = name(from, options);
  return linesOf(`${time(at, options)} ${where}${action ? `* ${who}` : `${who}:`} `, text, options);
}

/** Continuation lines are indented, so that they cannot be mistaken for another message. */
function linesOf(head: string, text: string, options: ShowOptions): string[] {
  const [first = "", ...more] = text.split("\n").map((line) => withName(safe(line), options));
  return [head + first, ...more.map((line) => INDENT + line)];
}

/** Highlights the user's name as a whole word. */
function withName(text: string, { color, nick }: ShowOptions): string {
  if (!color || nick === undefined || nick === "") return text;
  return text.replaceAll(
    new RegExp(`(?<!${NAME_CHARACTER})@?${RegExp.escape(nick)}(?!${NAME_CHARACTER})`, "giu"),
    `${MARKED}$&\x1b[0m`,
  );
}

/** Local hours and minutes. */
function time(at: string, options: ShowOptions): string {
  const date = new Date(at);
  const text = Number.isNaN(date.getTime())
    ? "--:--"
    : `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}`;
  return paint(text, FAINT, options);
}

function name(nick: string, options: ShowOptions): string {
  return paint(safe(nick), colorOfName(nick), options);
}

/** The server is not trusted either: its text must not contain control sequences. */
function safe(text: string): string {
  return safeText(text).replaceAll("\n", " ");
}

function paint(text: string, code: number, { color }: ShowOptions): string {
  return color ? `\x1b[${code}m${text}\x1b[0m` : text;
}
