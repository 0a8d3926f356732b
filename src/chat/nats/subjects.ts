/**
 * Names of NATS streams, buckets and subjects. The manual page "cluster" lists them for operators who restrict the
 * account of the servers.
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
/** The key-value bucket of members and servers: `nick.NAME` for people, `server.ID` for the servers' heartbeats. */
export const PRESENCE_BUCKET = "parley_presence";
/** Subject of announcements between servers. */
export const ANNOUNCEMENTS = "parley.all";

/** Prefix of the subject of a room. */
export const ROOM_PREFIX = "parley.room.";
const encoder = new TextEncoder();

/** Encodes a room's key as one token of a subject: `#dev.io` is `dev_2eio`. */
export function tokenOf(key: string): string {
  return Array.from(encoder.encode(key.replace(/^#/, "")), (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9-]/.test(char) ? char : `_${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** Subject of private messages to members of a server. */
export function serverSubject(server: string): string {
  return `parley.server.${server}`;
}

/** Prefix of the keys of members in the presence bucket. */
export const NICK_KEY = "nick.";
/** Prefix of the keys of servers in the presence bucket. */
export const SERVER_KEY = "server.";

/** The subject of a room's messages. */
export function subjectOf(key: string): string {
  return ROOM_PREFIX + tokenOf(key);
}

/** Key of a name in the presence bucket; names that look alike share it. */
export function nickKeyOf(nick: string): string {
  return NICK_KEY + tokenOf(nickKey(nick));
}
