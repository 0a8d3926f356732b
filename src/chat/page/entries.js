/**
 * The order of a conversation's entries. Pure: lists are never changed, but
 * made again.
 *
 * @module
 */

/** @import { Entry, MessageEntry } from "./types.ts" */

/** Orders what has no number of its own behind everything that has one. */
export const LAST = Number.MAX_SAFE_INTEGER;

/**
 * The entries with one more, behind everything that does not come after it.
 *
 * @param {readonly Entry[]} entries
 * @param {Entry} entry
 */
export function withEntry(entries, entry) {
  const at = entries.findLastIndex((before) => !comesAfter(before, entry)) + 1;
  return entries.toSpliced(at, 0, entry);
}

/**
 * The entries without the message of that `id` that is on its way.
 *
 * @param {readonly Entry[]} entries
 * @param {string} id
 */
export function withoutPending(entries, id) {
  return entries.filter((entry) => !isOnItsWay(entry, id));
}

/**
 * The entries with another message in the place of the one on its way; `undefined` if none is.
 *
 * @param {readonly Entry[]} entries
 * @param {string} id
 * @param {(entry: MessageEntry) => MessageEntry} change
 */
export function withPending(entries, id, change) {
  const at = entries.findIndex((entry) => isOnItsWay(entry, id));
  const entry = entries[at];
  return entry?.kind === "message" ? entries.with(at, change(entry)) : undefined;
}

/**
 * @param {Entry} entry
 * @param {string} id
 */
function isOnItsWay(entry, id) {
  return entry.kind === "message" && entry.id === id && entry.seq === LAST;
}

/**
 * @param {Pick<Entry, "epoch" | "seq">} a
 * @param {Pick<Entry, "epoch" | "seq">} b
 */
function comesAfter(a, b) {
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch;
}
