/**
 * Entries of a conversation as elements.
 *
 * @module
 */

/** @import { Entry, MessageEntry, NoteEntry, Piece } from "./types.ts" */

import { make } from "./dom.js";
import { dayOf, initialsOf, piecesOf, timeOf, tintOf } from "./text.js";

/** Messages of one person within this time are grouped. */
const GROUP_MS = 5 * 60_000;

/** Maximum names in a summary of joins and leaves. */
const PRESENCE_SHOWN = 4;

/**
 * The avatar of a person.
 *
 * @param {string} nick
 */
export function avatar(nick, size = "") {
  return make("span", {
    className: `avatar ${size}`.trim(),
    dataset: { tint: String(tintOf(nick)) },
    "aria-hidden": "true",
  }, initialsOf(nick));
}

/**
 * Actions on rejected messages.
 *
 * @typedef {object} MessageActions
 * @property {(entry: MessageEntry) => void} retry
 * @property {(entry: MessageEntry) => void} discard
 */

/** @typedef {Map<string, { stamp: string, element: HTMLLIElement }>} Made */

/** Creates the elements of a conversation's entries and reuses unchanged ones. */
export class MessageList {
  /** @type {Made} */
  #made = new Map();
  #actions;

  /** @param {MessageActions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /**
   * The elements of the entries, with separators between days and before unread messages.
   *
   * @param {readonly Entry[]} entries
   * @param {{ nick: string, mark: string | undefined }} reader
   */
  elements(entries, { nick, mark }) {
    /** @type {Made} */
    const made = new Map();
    /** @type {HTMLLIElement[]} */
    const elements = [];
    /**
     * @param {string} key
     * @param {string} stamp
     * @param {() => HTMLLIElement} create
     */
    const keep = (key, stamp, create) => {
      const before = this.#made.get(key);
      const kept = before?.stamp === stamp ? before : { stamp, element: create() };
      made.set(key, kept);
      elements.push(kept.element);
    };
    /** @type {Entry | undefined} */
    let previous;
    /** @type {string | undefined} */
    let shownDay;
    for (const entry of joinedPresence(entries)) {
      const day = entry.kind === "message" ? dayOf(entry.at) : shownDay;
      const isNewDay = day !== shownDay;
      if (isNewDay && day !== undefined) keep(`day:${day}:${entry.epoch}`, day, () => separator(day));
      shownDay = day;
      if (entry.key === mark) keep("mark", mark, () => separator("New", "new"));
      const isGrouped = !isNewDay && entry.key !== mark && follows(previous, entry);
      const stamp = `${entry.kind === "note" ? entry.text : entry.state}:${isGrouped}:${nick}`;
      keep(entry.key, stamp, () => entry.kind === "note" ? note(entry) : this.#message(entry, isGrouped, nick));
      if (entry.kind === "message" || entry.style !== "presence") previous = entry;
    }
    this.#made = made;
    return elements;
  }

  /**
   * @param {MessageEntry} entry
   * @param {boolean} isGrouped
   * @param {string} nick
   */
  #message(entry, isGrouped, nick) {
    const { from, at, text, action, isOwn, state } = entry;
    const classes = ["message", isGrouped && "grouped", isOwn && "own", action && "action", state !== "sent" && state];
    const time = make("time", { dateTime: at, className: "time", title: new Date(at).toLocaleString() }, timeOf(at));
    const name = make("span", { className: "name", dataset: { tint: String(tintOf(from)) } }, from);
    // Each text has the direction of its own script.
    const body = make("div", { className: "body", dir: "auto" });
    const pieces = piecesOf(text, isOwn ? "" : nick);
    if (action) body.append(make("span", { className: "actor" }, from), " ");
    body.append(...pieces.map(pieceElement));
    if (pieces.some(({ kind }) => kind === "mention")) classes.push("mentioned");
    const head = isGrouped || action
      ? make("span", { className: "visually-hidden" }, `${from}, `)
      : make("div", { className: "head" }, name, make("span", { className: "visually-hidden" }, ", "), time);
    const aside = isGrouped || action ? time : avatar(from);
    return make(
      "li",
      { className: classes.filter(Boolean).join(" ") },
      make("div", { className: "gutter" }, aside),
      make("div", { className: "words" }, head, body, ...this.#stateOf(entry)),
    );
  }

  /** @param {MessageEntry} entry */
  #stateOf(entry) {
    if (entry.state === "sending") return [make("span", { className: "visually-hidden" }, "Not sent yet")];
    if (entry.state !== "failed") return [];
    const again = make("button", { type: "button", className: "text-button" }, "Send again");
    again.addEventListener("click", () => this.#actions.retry(entry));
    const discard = make("button", { type: "button", className: "text-button" }, "Discard");
    discard.addEventListener("click", () => this.#actions.discard(entry));
    return [make("p", { className: "why" }, `Not sent: ${entry.why} `, again, " ", discard)];
  }
}

/**
 * Merges consecutive join and leave entries into one.
 *
 * @param {readonly Entry[]} entries
 */
function joinedPresence(entries) {
  /** @type {Entry[]} */
  const joined = [];
  /** @type {NoteEntry[]} */
  let run = [];
  const endRun = () => {
    const [first] = run;
    if (first) joined.push({ ...first, text: summaryOf(run) });
    run = [];
  };
  for (const entry of entries) {
    if (isPresence(entry)) run.push(entry);
    else {
      endRun();
      joined.push(entry);
    }
  }
  endRun();
  return joined;
}

/** @param {readonly NoteEntry[]} run */
function summaryOf(run) {
  const texts = run.map(({ text }) => text);
  if (texts.length <= PRESENCE_SHOWN) return texts.join(", ");
  const others = texts.length - PRESENCE_SHOWN;
  return `${texts.slice(-PRESENCE_SHOWN).join(", ")}, and before that ${others} more came, went or changed their names`;
}

/**
 * @param {Entry} entry
 * @returns {entry is NoteEntry}
 */
function isPresence(entry) {
  return entry.kind === "note" && entry.style === "presence";
}

/**
 * @param {Entry | undefined} previous
 * @param {Entry} entry
 */
function follows(previous, entry) {
  return previous?.kind === "message" && entry.kind === "message" && previous.from === entry.from &&
    !previous.action && !entry.action && previous.epoch === entry.epoch &&
    Date.parse(entry.at) - Date.parse(previous.at) < GROUP_MS;
}

/** @param {Piece} piece */
function pieceElement({ kind, text }) {
  if (kind === "mention") return make("mark", {}, text);
  if (kind === "code") return make("code", {}, text);
  if (kind === "block") return make("pre", { dir: "ltr" }, text);
  if (kind === "link") return make("a", { href: text, rel: "noopener noreferrer nofollow", target: "_blank" }, text);
  return document.createTextNode(text);
}

/** @param {NoteEntry} entry */
function note({ text, at, style }) {
  const time = make("time", { dateTime: at, className: "time" }, timeOf(at));
  return make("li", { className: `note ${style}` }, make("span", { dir: "auto" }, text), time);
}

/** @param {string} text */
function separator(text, style = "day") {
  return make("li", { className: `separator ${style}` }, make("span", {}, text));
}
