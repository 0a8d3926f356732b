import { keyOf } from "../../../chat/names.ts";
import type { ChatEvent } from "../../../chat/event.ts";
import type { RoomMessage } from "../../../chat/message.ts";
import { textFormat } from "../../../chat/event_format.ts";
import { safeText } from "../../../cli/safe_text.ts";

/** How events look. */
export interface ShowOptions {
  /** Whether colours may be used. */
  readonly color: boolean;
  /** The room that is spoken in: its messages need not name it. */
  readonly currentRoom: string | undefined;
  /** Who looks: where that name is said it stands out. */
  readonly nick?: string | undefined;
}

/** Colours that can be read on light and on dark. */
const NAME_COLORS = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96];
const FAINT = 2;

/** What names are made of. */
const NAME_CHARACTER = "[\\p{L}\\p{M}\\p{N}_\\-[\\]{}|]";

/** Begins the reader's own name: bold, and turned around. */
const MARKED = "\x1b[1;7m";

/** As wide as the time. */
const INDENT = " ".repeat("00:00 ".length);

/** An event as lines for a terminal, none where it says nothing to people. */
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

/** The color of a name: the same everywhere, whatever its case. */
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

/** Further lines stand under the name: none can be taken for another message. */
function linesOf(head: string, text: string, options: ShowOptions): string[] {
  const [first = "", ...more] = text.split("\n").map((line) => withName(safe(line), options));
  return [head + first, ...more.map((line) => INDENT + line)];
}

/** The text with the reader's name marked wherever it stands as a word. */
function withName(text: string, { color, nick }: ShowOptions): string {
  if (!color || nick === undefined || nick === "") return text;
  const name = nick.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return text.replaceAll(
    new RegExp(`(?<!${NAME_CHARACTER})@?${name}(?!${NAME_CHARACTER})`, "giu"),
    `${MARKED}$&\x1b[0m`,
  );
}

/** Hours and minutes here. */
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

/** The server is a stranger too: nothing of it may move the cursor. */
function safe(text: string): string {
  return safeText(text).replaceAll("\n", " ");
}

function paint(text: string, code: number, { color }: ShowOptions): string {
  return color ? `\x1b[${code}m${text}\x1b[0m` : text;
}
