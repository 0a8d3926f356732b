/**
 * The order of a conversation's entries. Pure: returns new lists.
 *
 * @module
 */

/** @import { Entry, MessageEntry } from "./types.ts" */

/** Sorts entries without a number after all others. */
export const LAST = Number.MAX_SAFE_INTEGER;

/**
 * Inserts an entry in order.
 *
 * @param {readonly Entry[]} entries
 * @param {Entry} entry
 */
export function withEntry(entries, entry) {
  const at = entries.findLastIndex((before) => !comesAfter(before, entry)) + 1;
  return entries.toSpliced(at, 0, entry);
}

/**
 * Removes the pending message with that `id`.
 *
 * @param {readonly Entry[]} entries
 * @param {string} id
 */
export function withoutPending(entries, id) {
  return entries.filter((entry) => !isOnItsWay(entry, id));
}

/**
 * Replaces the pending message with that `id`; `undefined` if there is none.
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
