import { ChatError } from "./chat_error.ts";

/** The room that everyone who types starts in. */
export const LOBBY = "#lobby";

/** Most messages of the past that can be asked for at once. */
export const HISTORY_MOST = 100;

/** Longest name of a person, in characters. */
const NICK_LENGTH = 32;
/** Longest name of a room, in characters, without its `#`. */
const ROOM_LENGTH = 48;

/** Names that differ by case only are the same name: this is what they share. */
export function keyOf(name: string): string {
  return name.toLowerCase();
}

/**
 * Checks a person's name.
 *
 * @throws {ChatError} It is no name.
 */
export function checkNick(nick: string): string {
  if (nick === "") throw new ChatError("bad-nick", "A name has at least one character", { field: "nick" });
  if (nick.length > NICK_LENGTH) {
    throw new ChatError("bad-nick", `A name has at most ${NICK_LENGTH} characters: this one has ${nick.length}`, {
      field: "nick",
    });
  }
  if (!/^[A-Za-z0-9\-_[\]{}|]+$/.test(nick)) {
    throw new ChatError("bad-nick", "A name has letters A to Z, digits and - _ [ ] { } | only", { field: "nick" });
  }
  return nick;
}

/**
 * A room's name with its `#`, which may be left out.
 *
 * @throws {ChatError} It is no name.
 */
export function checkRoom(name: string): string {
  const bare = name.startsWith("#") ? name.slice(1) : name;
  if (bare.length > ROOM_LENGTH || !/^[\p{L}\p{N}\-_.]+$/u.test(bare)) {
    throw new ChatError(
      "bad-room",
      `A room's name is # and 1 to ${ROOM_LENGTH} letters, digits and - _ . as in #dev`,
      { field: "room" },
    );
  }
  return `#${bare}`;
}
