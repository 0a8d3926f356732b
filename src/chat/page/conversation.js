/**
 * A room or a private conversation: its messages in order, its members, and what is unread.
 *
 * @module
 */

/** @import { Draft, Entry, EventOf, Joined, MessageEntry, NewEntry, NoteStyle, People, Person } from "./types.ts" */

import { LAST, withEntry, withoutPending, withPending } from "./entries.js";
import { keyOf } from "./progress.js";

/** Maximum entries, so that a page that is open for days does not grow without limit. */
const MAX_ENTRIES = 1_500;
const ENTRIES_KEPT = 1_000;

export class Conversation {
  /**
   * Entries, oldest first; immutable, replaced on change.
   *
   * @type {readonly Entry[]}
   */
  entries = [];
  isJoined = false;
  /** The user was in it before, so new history entries are missed messages. */
  isReturning = false;
  #hasBeenJoined = false;
  /** The user was removed or banned, and is not rejoined automatically. */
  isShut = false;
  topic = "";
  /** @type {Map<string, Person>} */
  members = new Map();
  /**
   * Number of unlisted members, and the cursor for the next page.
   *
   * @type {{ count: number, after: string | undefined }}
   */
  moreMembers = { count: 0, after: undefined };
  unread = 0;
  mentions = 0;
  /**
   * Key of the first unread entry when the conversation was opened.
   *
   * @type {string | undefined}
   */
  mark;
  /** Whether there may be older messages on the server. */
  hasOlder = false;
  isLoadingOlder = false;
  #name;
  /** @type {string[]} */
  #epochs = [];
  /** @type {Set<string>} */
  #seen = new Set();
  #arrivals = 0;

  /** @param {string} name Name of a room with its `#`, or of a person. */
  constructor(name) {
    this.#name = name;
    this.isRoom = name.startsWith("#");
  }

  get name() {
    return this.#name;
  }

  set name(name) {
    this.#name = name;
  }

  get key() {
    return keyOf(this.#name);
  }

  /** Own messages that are pending or rejected. */
  get unsent() {
    return this.entries.filter((entry) => entry.kind === "message" && entry.seq === LAST);
  }

  /** Pending messages. */
  get pending() {
    return this.entries.filter((entry) => entry.kind === "message").filter(({ state }) => state === "sending");
  }

  /** Number of the oldest message in this epoch, for requesting older ones. */
  get oldestSeq() {
    const epoch = this.#epochs.length - 1;
    return this.entries.find((entry) => entry.kind === "message" && entry.epoch === epoch && entry.seq < LAST)?.seq;
  }

  /** @param {Joined} event */
  joined({ room, epoch, seq, topic, resumed, ...people }) {
    this.#name = room;
    this.isJoined = true;
    this.isReturning = this.#hasBeenJoined;
    this.#hasBeenJoined = true;
    this.isShut = false;
    this.topic = topic;
    this.setMembers(people);
    this.#enterEpoch(epoch);
    if (!resumed) this.hasOlder = seq > 0 && this.oldestSeq !== 1;
  }

  /** @param {string} why */
  left(why) {
    this.isJoined = false;
    this.isShut = true;
    this.members.clear();
    this.addNote(why);
  }

  disconnected() {
    this.isJoined = false;
    this.isLoadingOlder = false;
    if (this.isRoom) return;
    // A private message cannot be deduplicated, so only its sender can decide whether to repeat it.
    for (const { id } of this.pending) {
      this.failPending(id, { text: "the connection was lost before it was confirmed" });
    }
  }

  /**
   * Adds a live or missed message; `false` if it already exists.
   *
   * @param {EventOf<"message">} message
   * @param {boolean} isOwn
   */
  addMessage(message, isOwn) {
    this.#enterEpoch(message.epoch);
    const isNew = this.#insertMessage(message, isOwn);
    this.#trim();
    return isNew;
  }

  /**
   * Adds older messages; returns the new ones of others, oldest first.
   *
   * @param {Pick<EventOf<"history">, "epoch" | "messages">} history
   * @param {{ nick: string, wasAskedFor: boolean }} reader
   */
  addHistory({ epoch, messages }, { nick, wasAskedFor }) {
    this.#enterEpoch(epoch);
    if (wasAskedFor) {
      this.isLoadingOlder = false;
      this.hasOlder = messages.length > 0;
    }
    const added = messages.filter((message) => {
      const isOwn = message.from === nick || this.hasUnsent(message.id);
      return this.#insertMessage(message, isOwn) && !isOwn;
    });
    if (this.oldestSeq === 1 || this.oldestSeq === undefined) this.hasOlder = false;
    return added;
  }

  /**
   * @param {Pick<EventOf<"private">, "from" | "text" | "at" | "id">} message
   * @param {boolean} isOwn
   */
  addPrivate({ from, text, at, id }, isOwn) {
    const place = { seq: ++this.#arrivals, epoch: 0 };
    this.#insert({ kind: "message", id, from, text, at, action: undefined, isOwn, state: "sent", ...place });
  }

  /** @param {Draft & { from: string, at: string }} draft */
  addPending({ id, text, action, from, at }) {
    const order = { epoch: this.#epochs.length, seq: LAST };
    this.#insert({ kind: "message", id, text, action, from, at, isOwn: true, state: "sending", ...order });
  }

  /**
   * Adds a note of the page among the messages.
   *
   * @param {string} text
   * @param {NoteStyle} style
   */
  addNote(text, style = "note") {
    const epoch = Math.max(0, this.#epochs.length - 1);
    const last = this.entries.findLast((entry) => entry.epoch === epoch && entry.seq < LAST);
    this.#insert({ kind: "note", style, text, at: new Date().toISOString(), epoch, seq: last?.seq ?? 0 });
  }

  /**
   * Marks a message as stored; the message itself may arrive before or after.
   *
   * @param {string | undefined} id
   */
  acknowledged(id) {
    this.#replace(id, (entry) => ({ ...entry, state: "stored" }));
  }

  /**
   * Removes the placeholder of a message that has arrived.
   *
   * @param {string | undefined} id
   */
  settlePending(id) {
    if (id === undefined) return;
    this.entries = withoutPending(this.entries, id);
  }

  /**
   * Marks a message as rejected; `false` if no message has that `id`.
   *
   * @param {string | undefined} id
   * @param {{ text: string, code?: string }} refusal
   */
  failPending(id, { text, code }) {
    return this.#replace(id, (entry) => ({ ...entry, state: "failed", why: text, code }));
  }

  /**
   * Whether a message with that `id` is pending.
   *
   * @param {string | undefined} id
   */
  hasUnsent(id) {
    return id !== undefined && this.unsent.some((entry) => entry.kind === "message" && entry.id === id);
  }

  /** Whether any message from the server has been shown, in any epoch. */
  get hasMessages() {
    return this.entries.some((entry) => entry.kind === "message" && entry.seq < LAST);
  }

  /** @param {{ nick: string, operator?: boolean | undefined }} person */
  entered({ nick, operator = false }) {
    this.members.set(keyOf(nick), { nick, operator });
    this.addNote(`${nick} joined`, "presence");
  }

  /**
   * @param {string} nick
   * @param {string | undefined} reason
   */
  wentAway(nick, reason) {
    this.members.delete(keyOf(nick));
    this.addNote(reason === undefined ? `${nick} left` : `${nick} left (${reason})`, "presence");
  }

  /**
   * @param {string} from
   * @param {string} to
   */
  renamed(from, to) {
    const person = this.members.get(keyOf(from));
    if (person === undefined) return;
    this.members.delete(keyOf(from));
    this.members.set(keyOf(to), { ...person, nick: to });
    this.addNote(`${from} is now ${to}`, "presence");
  }

  /**
   * Sets the members, or adds a page of them.
   *
   * @param {People} people
   * @param {{ isContinuation?: boolean }} [page]
   */
  setMembers({ members, more = 0, next }, { isContinuation = false } = {}) {
    const before = isContinuation ? this.members : [];
    this.members = new Map([
      ...before,
      ...members.map((person) => /** @type {const} */ ([keyOf(person.nick), person])),
    ]);
    this.moreMembers = { count: more, after: next };
  }

  /**
   * @param {string} topic
   * @param {string | undefined} by
   */
  setTopic(topic, by) {
    this.topic = topic;
    if (by === undefined) this.addNote(topic === "" ? "No topic is set" : `The topic: ${topic}`, "help");
    else this.addNote(topic === "" ? `${by} removed the topic` : `${by} set the topic: ${topic}`);
  }

  /** @param {EventOf<"moderation">} event */
  moderated({ action, nick, by, reason }) {
    const person = this.members.get(keyOf(nick));
    if (person && (action === "op" || action === "deop")) {
      this.members.set(keyOf(nick), { ...person, operator: action === "op" });
    }
    const did = {
      kick: `${by} removed ${nick}`,
      ban: `${by} banned ${nick}`,
      unban: `${by} lifted the ban of ${nick}`,
      mute: `${by} muted ${nick}`,
      unmute: `${by} unmuted ${nick}`,
      op: `${by} made ${nick} an operator`,
      deop: `${by} took operator rights from ${nick}`,
    }[action];
    this.addNote(reason ? `${did} (${reason})` : did);
  }

  /**
   * Counts an unread message.
   *
   * @param {{ text: string, at: string }} message
   * @param {boolean} isMention
   */
  arrived(message, isMention) {
    this.mark ??= this.entries.findLast((entry) => isSent(entry, message))?.key;
    this.unread++;
    if (isMention) this.mentions++;
  }

  read() {
    this.unread = 0;
    this.mentions = 0;
  }

  forgetMark() {
    this.mark = undefined;
  }

  /** @param {string} epoch */
  #enterEpoch(epoch) {
    if (this.#epochs.at(-1) === epoch) return;
    this.#epochs.push(epoch);
    // Old numbers are no longer valid; pending messages come after them.
    this.entries = this.entries.map((entry) => entry.seq === LAST ? { ...entry, epoch: this.#epochs.length } : entry);
  }

  /**
   * @param {EventOf<"message">} message
   * @param {boolean} isOwn
   */
  #insertMessage({ seq, epoch, from, text, at, action, id }, isOwn) {
    const key = `${epoch}:${seq}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    this.settlePending(id);
    const place = this.#epochs.lastIndexOf(epoch);
    this.#insert({ kind: "message", id, from, text, at, action, isOwn, state: "sent", seq, epoch: place });
    return true;
  }

  /** Drops the oldest entries; the server can send them again. */
  #trim() {
    if (this.entries.length <= MAX_ENTRIES || this.isLoadingOlder) return;
    for (const { kind, seq, epoch } of this.entries.slice(0, -ENTRIES_KEPT)) {
      if (kind === "message") this.#seen.delete(`${this.#epochs[epoch]}:${seq}`);
    }
    this.entries = this.entries.slice(-ENTRIES_KEPT);
    this.hasOlder = this.oldestSeq !== undefined && this.oldestSeq > 1;
  }

  /**
   * Keys are generated, not taken from messages, because two senders may use the same `id`.
   *
   * @param {NewEntry} entry
   */
  #insert(entry) {
    this.entries = withEntry(this.entries, { ...entry, key: `${++this.#arrivals}` });
  }

  /**
   * @param {string | undefined} id
   * @param {(entry: MessageEntry) => MessageEntry} change
   */
  #replace(id, change) {
    const entries = id === undefined ? undefined : withPending(this.entries, id, change);
    this.entries = entries ?? this.entries;
    return entries !== undefined;
  }
}

/**
 * Whether an entry is this message, as the server sent it.
 *
 * @param {Entry} entry
 * @param {{ text: string, at: string }} message
 */
function isSent(entry, { text, at }) {
  return entry.kind === "message" && entry.seq < LAST && entry.at === at && entry.text === text;
}
