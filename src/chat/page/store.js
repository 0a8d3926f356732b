/**
 * The state of the page: conversations, their messages and members. It applies the server's events and notifies its
 * listener of changes. No DOM, no network.
 *
 * @module
 */

/** @import { ChatEvent, Directory, Draft, EventOf, MessageEntry, Refusal } from "./types.ts" */

import { ASKED_WHO } from "./composer.js";
import { Conversation } from "./conversation.js";
import { keyOf, Progress } from "./progress.js";
import { mentions } from "./text.js";

/**
 * Callbacks of the store.
 *
 * @typedef {object} StoreListener
 * @property {() => void} changed The state has changed.
 * @property {(text: string, isError: boolean) => void} notice A transient notice.
 * @property {() => void} switched The current conversation has changed, and with it the draft.
 * @property {(ids: readonly string[]) => void} retry Repeats requests that the server could not serve.
 * @property {(refusal: Refusal) => boolean} refused A request was rejected; `true` if it has already been shown.
 */

/** The `id` of a request for the next page of a list. */
export const NEXT_PAGE = "next page";

/** How long to retry requests that the server cannot serve temporarily. */
const RETRY_FOR_MS = 60_000;

/** @type {StoreListener} */
const NOBODY = { changed() {}, notice() {}, switched() {}, retry() {}, refused: () => false };

export class ChatStore {
  nick = "";
  /** The server requires a login. */
  mustLogIn = false;
  /** Number of live and missed messages of others in rooms. */
  received = 0;
  /** @type {Directory} */
  directory = { rooms: [] };
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /**
   * Drafts by conversation key; the empty key is for no conversation.
   *
   * @type {Map<string, string>}
   */
  drafts = new Map();
  /** @type {Conversation | undefined} */
  current;
  /** Whether the newest message of the current conversation is visible. */
  isWatching = true;
  /** Positions in the rooms and unacknowledged messages. */
  progress;
  #listener;

  /** @param {StoreListener} [listener] */
  constructor(listener = NOBODY) {
    this.#listener = listener;
    this.progress = new Progress({ retryForMs: RETRY_FOR_MS, retry: (ids) => this.#listener.retry(ids) });
  }

  /** The rooms to rejoin. */
  get rooms() {
    return [...this.conversations.values()].filter(({ isRoom }) => isRoom);
  }

  get people() {
    return [...this.conversations.values()].filter(({ isRoom }) => !isRoom);
  }

  /** The text in the message box. */
  get draft() {
    return this.drafts.get(this.current?.key ?? "") ?? "";
  }

  set draft(text) {
    this.drafts.set(this.current?.key ?? "", text);
  }

  get unread() {
    return [...this.conversations.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  get mentions() {
    return [...this.conversations.values()].reduce((sum, each) => sum + (each.isRoom ? each.mentions : each.unread), 0);
  }

  /**
   * The conversation with that name; created if necessary.
   *
   * @param {string} name
   */
  conversation(name) {
    const key = keyOf(name);
    let found = this.conversations.get(key);
    if (found === undefined) this.conversations.set(key, found = new Conversation(name));
    return found;
  }

  /**
   * Shows a conversation.
   *
   * @param {Conversation} conversation
   */
  open(conversation) {
    if (this.current !== undefined && this.current !== conversation) this.current.forgetMark();
    this.#show(conversation);
    this.isWatching = true;
    conversation.read();
    this.#listener.changed();
  }

  /** @param {Conversation | undefined} conversation */
  #show(conversation) {
    const before = this.current;
    const typed = this.draft;
    this.current = conversation;
    if (before === conversation) return;
    if (before === undefined) {
      // A draft without a conversation moves to the first one that is opened.
      this.drafts.delete("");
      if (typed !== this.draft) this.draft = [this.draft, typed].filter(Boolean).join("\n");
    }
    this.#listener.switched();
  }

  /**
   * Sets whether the newest message is visible.
   *
   * @param {boolean} isWatching
   */
  watch(isWatching) {
    this.isWatching = isWatching;
    if (!this.current) return;
    if (!isWatching && this.current.unread === 0) this.current.forgetMark();
    if (!isWatching || this.current.unread === 0) return;
    this.current.read();
    this.#listener.changed();
  }

  /**
   * Removes a conversation.
   *
   * @param {Conversation} conversation
   */
  remove(conversation) {
    this.conversations.delete(conversation.key);
    this.progress.forget(conversation.name);
    if (this.current === conversation) {
      const next = this.rooms[0] ?? this.people[0];
      if (next) this.open(next);
      else this.#show(undefined);
    }
    this.#listener.changed();
  }

  /**
   * Discards a rejected message.
   *
   * @param {Conversation} conversation
   * @param {string | undefined} id
   */
  discard(conversation, id) {
    this.progress.settle(id);
    conversation.settlePending(id);
    this.#listener.changed();
  }

  /**
   * Adds an own pending message.
   *
   * @param {Conversation} conversation
   * @param {Draft} draft
   */
  sending(conversation, draft) {
    const { id, text, action } = draft;
    if (conversation.isRoom) this.progress.published(id, { room: conversation.name, text, action });
    conversation.forgetMark();
    conversation.addPending({ ...draft, from: this.nick, at: new Date().toISOString() });
    this.#listener.changed();
  }

  /**
   * Shows the page's own response in the current conversation.
   *
   * @param {readonly string[]} lines
   */
  explain(lines) {
    this.current?.addNote(lines.join("\n"), "help");
    this.watch(true);
    this.#listener.changed();
  }

  /** Resets the membership state when the connection is lost. */
  disconnected() {
    for (const conversation of this.conversations.values()) conversation.disconnected();
    this.#listener.changed();
  }

  /**
   * Applies an event of the server.
   *
   * @param {ChatEvent} event
   */
  apply(event) {
    this.#take(event);
    this.#listener.changed();
  }

  /** @param {ChatEvent} event */
  #take(event) {
    switch (event.type) {
      case "welcome":
        this.nick = event.nick;
        this.mustLogIn = event.loginRequired;
        return;
      case "joined":
        return this.#joined(event);
      case "left":
        return this.#left(event);
      case "history":
        return this.#history(event);
      case "unrecovered":
        return this.#unrecovered(event);
      case "message":
        return this.#said(event);
      case "ack":
        this.progress.settle(event.id);
        return this.#known(event.room)?.acknowledged(event.id);
      case "private":
        return this.#saidPrivately(event);
      case "join":
        return this.#known(event.room)?.entered(event);
      case "leave":
        return this.#known(event.room)?.wentAway(event.nick, event.reason);
      case "nick":
        return this.#renamed(event);
      case "topic":
        return this.#known(event.room)?.setTopic(event.topic, event.by);
      case "who":
        return this.#who(event);
      case "rooms":
        return this.#listed(event);
      case "moderation":
        return this.#known(event.room)?.moderated(event);
      case "notice":
        return this.#listener.notice(
          event.from === undefined ? event.text : `${event.from} announces: ${event.text}`,
          false,
        );
      case "error":
        return this.#refused(event);
    }
  }

  /**
   * The conversation with that name, if any: late events must not recreate a room that was left.
   *
   * @param {string} name
   */
  #known(name) {
    return this.conversations.get(keyOf(name));
  }

  /** @param {EventOf<"history">} event */
  #history(event) {
    for (const { id } of event.messages) this.progress.settle(id);
    const wasAskedFor = event.id !== undefined;
    const room = this.#known(event.room);
    const added = room?.addHistory(event, { nick: this.nick, wasAskedFor }) ?? [];
    if (room === undefined || wasAskedFor || !room.isReturning) return;
    this.received += added.length;
    for (const message of added) this.#arrived(room, message, mentions(message.text, this.nick));
  }

  /** @param {EventOf<"unrecovered">} event */
  #unrecovered(event) {
    const { room: name, reason } = event;
    this.progress.unrecovered(event);
    const room = this.#known(name);
    // Without earlier messages nothing is missing.
    if (!room?.hasMessages) return;
    room.addNote(`Some messages before this point could not be recovered: ${reason}`, "gap");
  }

  /** @param {EventOf<"who">} event */
  #who(event) {
    const room = this.#known(event.room);
    room?.setMembers(event, { isContinuation: event.id === NEXT_PAGE });
    if (room === undefined || event.id !== ASKED_WHO) return;
    const names = event.members.map(({ nick, operator }) => operator ? `${nick} (operator)` : nick);
    const more = event.more ? ` and ${event.more} more` : "";
    room.addNote(`In ${room.name}: ${names.join(", ")}${more}`, "help");
  }

  /** @param {EventOf<"rooms">} event */
  #listed({ rooms, more, next, id }) {
    const before = id === NEXT_PAGE ? this.directory.rooms : [];
    this.directory = { rooms: [...before, ...rooms], more, next };
  }

  /** @param {EventOf<"joined">} event */
  #joined(event) {
    const room = this.conversation(event.room);
    room.joined(event);
    this.progress.joined(event);
    this.progress.settle(event.id);
    if (this.current === undefined) this.open(room);
  }

  /** @param {EventOf<"left">} event */
  #left({ room: name, reason }) {
    const room = this.conversations.get(keyOf(name));
    if (room === undefined) return;
    if (reason === undefined && room.unsent.length > 0) {
      return room.left("You left; the messages below were not sent");
    }
    if (reason === undefined) return this.remove(room);
    room.left(`You were removed from ${room.name}: ${reason}`);
  }

  /**
   * Marks a room that must not be joined.
   *
   * @param {string} name
   * @param {string} why
   */
  shutOut(name, why) {
    const room = this.conversation(name);
    room.left(why);
    if (this.current === undefined) this.open(room);
    this.#listener.changed();
  }

  /** @param {EventOf<"message">} message */
  #said(message) {
    const room = this.conversation(message.room);
    this.progress.advance(message);
    this.progress.settle(message.id);
    // Own messages under a former name are identified by ID.
    const isOwn = message.from === this.nick || room.hasUnsent(message.id);
    if (!room.addMessage(message, isOwn) || isOwn) return;
    this.received++;
    this.#arrived(room, message, mentions(message.text, this.nick));
  }

  /** @param {EventOf<"private">} message */
  #saidPrivately(message) {
    const isOwn = message.from === this.nick;
    const person = this.conversation(isOwn ? message.to : message.from);
    person.settlePending(
      message.id ?? (isOwn ? person.pending.find(({ text }) => text === message.text)?.id : undefined),
    );
    person.addPrivate(message, isOwn);
    if (!isOwn) this.#arrived(person, message, true);
  }

  /**
   * @param {Conversation} conversation
   * @param {{ text: string, at: string }} message
   * @param {boolean} isMention
   */
  #arrived(conversation, message, isMention) {
    if (conversation === this.current && this.isWatching) return conversation.read();
    conversation.arrived(message, isMention);
  }

  /** @param {EventOf<"nick">} event */
  #renamed({ from, to }) {
    if (from === this.nick) this.nick = to;
    for (const conversation of this.conversations.values()) conversation.renamed(from, to);
    const person = this.conversations.get(keyOf(from));
    if (person === undefined || person.isRoom) return;
    if (keyOf(to) !== person.key && this.conversations.has(keyOf(to))) return;
    this.conversations.delete(person.key);
    const draft = this.drafts.get(person.key);
    this.drafts.delete(person.key);
    person.name = to;
    if (draft !== undefined) this.drafts.set(person.key, draft);
    this.conversations.set(person.key, person);
  }

  /** @param {Refusal} refusal */
  #refused(refusal) {
    if (this.progress.isRetried(refusal)) return;
    this.progress.settle(refusal.id);
    for (const conversation of this.conversations.values()) {
      if (conversation.failPending(refusal.id, refusal)) return;
    }
    if (!this.#listener.refused(refusal)) this.#listener.notice(refusal.text, true);
  }
}
