/**
 * Names on the side of NATS. An operator who restricts the account of the
 * servers finds them on the page "cluster" of the manual.
 *
 * @module
 */

import { nickKey } from "../nick_key.ts";

/** The stream that holds every room's messages. */
export const STREAM = "PARLEY";
/** Each room's messages have the subject `parley.room.NAME`. */
export const ROOM_SUBJECTS = "parley.room.>";
/** The key-value bucket of topics, bans and mutes; a room is a key. */
export const ROOM_BUCKET = "parley_rooms";
/** The key-value bucket of who is where: `nick.NAME` for people, `server.ID` for the servers' heartbeats. */
export const PRESENCE_BUCKET = "parley_presence";
/** What is said to everyone, by one server to all others. */
export const ANNOUNCEMENTS = "parley.all";

/** Begins the subject of a room. */
export const ROOM_PREFIX = "parley.room.";
const encoder = new TextEncoder();

/** A room's key as one token of a subject: `#dev.io` is `dev_2eio`. */
export function tokenOf(key: string): string {
  return Array.from(encoder.encode(key.replace(/^#/, "")), (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9-]/.test(char) ? char : `_${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** Where a server hears what is said to one of its members. */
export function serverSubject(server: string): string {
  return `parley.server.${server}`;
}

/** Begins the keys of people in the presence bucket. */
export const NICK_KEY = "nick.";
/** Begins the keys of servers in the presence bucket. */
export const SERVER_KEY = "server.";

/** The subject of a room's messages. */
export function subjectOf(key: string): string {
  return ROOM_PREFIX + tokenOf(key);
}

/** A person's name as a key of the presence bucket; names that look alike share it. */
export function nickKeyOf(nick: string): string {
  return NICK_KEY + tokenOf(nickKey(nick));
}
