/**
 * Names on the side of NATS. An operator who restricts the account of the
 * servers finds them in the README under "Many servers".
 *
 * @module
 */

/** The stream that holds every room's messages. */
export const STREAM = "PARLEY";
/** Each room's messages have the subject `parley.room.NAME`. */
export const ROOM_SUBJECTS = "parley.room.>";
/** The key-value bucket of topics, bans and mutes; a room is a key. */
export const ROOM_BUCKET = "parley_rooms";

const PREFIX = "parley.room.";
const encoder = new TextEncoder();

/** A room's key as one token of a subject: `#dev.io` is `dev_2eio`. */
export function tokenOf(key: string): string {
  return Array.from(encoder.encode(key.replace(/^#/, "")), (byte) => {
    const char = String.fromCharCode(byte);
    return /[a-z0-9-]/.test(char) ? char : `_${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** The subject of a room's messages. */
export function subjectOf(key: string): string {
  return PREFIX + tokenOf(key);
}
