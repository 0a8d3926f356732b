/**
 * What the page knows: conversations, their messages and people. It takes the
 * server's events and tells who looks at it that something changed. No DOM, no
 * network.
 *
 * @module
 */

/** @import { ChatEvent, Directory, Draft, EventOf, MessageEntry, Refusal } from "./types.ts" */

import { ASKED_WHO } from "./composer.js";
import { Conversation } from "./conversation.js";
import { keyOf, Progress } from "./progress.js";
import { mentions } from "./text.js";

/**
 * Who looks at the store.
 *
 * @typedef {object} StoreListener
 * @property {() => void} changed Something may look different.
 * @property {(text: string, isError: boolean) => void} notice A passing word.
 * @property {(before: Conversation | undefined) => void} switched Another conversation is shown, or none.
 * @property {(ids: readonly string[]) => void} retry Makes requests again that the server could not serve.
 * @property {(refusal: Refusal) => boolean} refused A request was refused; `true` where it is shown already.
 */

/** The `id` of a request for the next page of a list. */
export const NEXT_PAGE = "next page";

/** How long requests are made again that the server cannot serve for now. */
const RETRY_FOR_MS = 60_000;

/** @type {StoreListener} */
const NOBODY = { changed() {}, notice() {}, switched() {}, retry() {}, refused: () => false };

export class ChatStore {
  nick = "";
  /** The server waits for a log-in. */
  mustLogIn = false;
  /** Messages of others in rooms that came unasked. */
  received = 0;
  /** @type {Directory} */
  directory = { rooms: [] };
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /**
   * What stands in the message box of each conversation, by its key; of none, by the empty key.
   *
   * @type {Map<string, string>}
   */
  drafts = new Map();
  /** @type {Conversation | undefined} */
  current;
  /** Whether the reader sees the newest message of the current conversation. */
  isWatching = true;
  /** How far the reader is in each room, and what is not acknowledged. */
  progress;
  #listener;

  /** @param {StoreListener} [listener] */
  constructor(listener = NOBODY) {
    this.#listener = listener;
    this.progress = new Progress({ retryForMs: RETRY_FOR_MS, retry: (ids) => this.#listener.retry(ids) });
  }

  /** The rooms to be in, as they are to be joined again. */
  get rooms() {
    return [...this.conversations.values()].filter(({ isRoom }) => isRoom);
  }

  get people() {
    return [...this.conversations.values()].filter(({ isRoom }) => !isRoom);
  }

  get unread() {
    return [...this.conversations.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  get mentions() {
    return [...this.conversations.values()].reduce((sum, each) => sum + (each.isRoom ? each.mentions : each.unread), 0);
  }

  /**
   * The conversation of that name, made if there is none.
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
    this.current = conversation;
    if (before !== conversation) this.#listener.switched(before);
  }

  /**
   * The reader has come to the newest message, or has left it.
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
   * Takes a conversation out of the list.
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
   * The reader does not want a message any more that was refused.
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
   * A message of the reader's own that is on its way.
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
   * The page's own answer, in the conversation that is shown.
   *
   * @param {readonly string[]} lines
   */
  explain(lines) {
    this.current?.addNote(lines.join("\n"), "help");
    this.watch(true);
    this.#listener.changed();
  }

  /** The connection is lost: nobody is known to be anywhere. */
  disconnected() {
    for (const conversation of this.conversations.values()) conversation.disconnected();
    this.#listener.changed();
  }

  /**
   * Takes what the server tells.
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
   * The conversation of that name, if there is one: what is still reported about
   * a room that was left must not bring it back.
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
    // Where nothing was shown before, nothing is missing from it.
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
      return room.left("You left, and the messages below were not sent");
    }
    if (reason === undefined) return this.remove(room);
    room.left(`You were taken out of ${room.name}: ${reason}`);
  }

  /**
   * A room that is not to be entered, again or at all.
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
    // Under a name of before, an own message is known by its id.
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
