import { ChatError } from "./chat_error.ts";
import type { Page, RoomSummary } from "./event.ts";
import type { RoomMessage } from "./message.ts";
import { keyOf } from "./names.ts";

/** Maximum characters of messages in one response; as JSON each may take six bytes. */
const HISTORY_CHARACTERS = 32 * 1024;

/** The first `count` items in the order of `compare`, without sorting the rest. */
export function firstOf<T>(items: Iterable<T>, count: number, compare: (a: T, b: T) => number): T[] {
  const first: T[] = [];
  for (const item of items) {
    const last = first.at(-1);
    if (first.length >= count && (last === undefined || compare(item, last) >= 0)) continue;
    let low = 0;
    for (let high = first.length; low < high;) {
      const middle = (low + high) >>> 1;
      const other = first[middle];
      if (other !== undefined && compare(item, other) < 0) high = middle;
      else low = middle + 1;
    }
    first.splice(low, 0, item);
    if (first.length > count) first.pop();
  }
  return first;
}

/** The newest messages that fit into one response, at least one, oldest first. */
export function newestThatFit(messages: readonly RoomMessage[]): readonly RoomMessage[] {
  let left = HISTORY_CHARACTERS;
  let first = messages.length;
  while (first > 0 && (left -= messages[first - 1]?.text.length ?? 0) >= 0) first--;
  return messages.slice(Math.min(first, messages.length - 1));
}

/** At most `max` rooms, largest first, from the start or `after` the `next` of an earlier page. */
export function pageOfRooms(all: readonly RoomSummary[], max: number, after?: string): { rooms: RoomSummary[] } & Page {
  const [, members, room] = /^(\d{1,9}) (\S{1,64})$/.exec(after ?? "") ?? [];
  if (after !== undefined && room === undefined) throw badCursor();
  const rest = room === undefined
    ? all
    : all.filter((summary) => compareRooms(summary, { room, members: Number(members) }) > 0);
  const rooms = firstOf(rest, max, compareRooms);
  const last = rooms.at(-1);
  const more = rest.length - rooms.length;
  return last === undefined || more === 0 ? { rooms } : { rooms, more, next: `${last.members} ${keyOf(last.room)}` };
}

function compareRooms(a: Pick<RoomSummary, "room" | "members">, b: Pick<RoomSummary, "room" | "members">): number {
  return b.members - a.members || (keyOf(a.room) < keyOf(b.room) ? -1 : keyOf(a.room) > keyOf(b.room) ? 1 : 0);
}

/** The cursor of a list is invalid. */
export function badCursor(): ChatError {
  return new ChatError("bad-request", "after: Invalid input: expected what an answer gave as next", { field: "after" });
}
