/**
 * What the page knows: conversations, their messages and people. It takes the
 * server's events and tells who looks at it that something changed. No DOM, no
 * network.
 *
 * @module
 */

import { Conversation, keyOf } from "./conversation.js";
import { mentions } from "./text.js";

/** Emits `change` whenever something may look different, `notice` (detail: `{ text, isError }`) for a passing word. */
export class ChatStore extends EventTarget {
  nick = "";
  /** The server waits for a log-in. */
  mustLogIn = false;
  /** @type {readonly { room: string, members: number, topic: string }[]} */
  directory = [];
  /** @type {Map<string, Conversation>} */
  conversations = new Map();
  /** @type {Conversation | undefined} */
  current;
  /** Whether the reader sees the newest message of the current conversation. */
  isWatching = true;

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

  /** The conversation of that name, made if there is none. */
  conversation(name) {
    const key = keyOf(name);
    let found = this.conversations.get(key);
    if (found === undefined) this.conversations.set(key, found = new Conversation(name));
    return found;
  }

  /** Shows a conversation. */
  open(conversation) {
    if (this.current !== undefined && this.current !== conversation) this.current.forgetMark();
    this.current = conversation;
    this.isWatching = true;
    conversation.read();
    this.#changed();
  }

  /** The reader has come to the newest message. */
  watch(isWatching) {
    this.isWatching = isWatching;
    if (!this.current) return;
    if (!isWatching && this.current.unread === 0) this.current.forgetMark();
    if (!isWatching || this.current.unread === 0) return;
    this.current.read();
    this.#changed();
  }

  /** Takes a conversation out of the list. */
  remove(conversation) {
    this.conversations.delete(conversation.key);
    if (this.current === conversation) {
      this.current = undefined;
      const next = this.rooms[0] ?? this.people[0];
      if (next) this.open(next);
    }
    this.#changed();
  }

  /** A message of the reader's own that is on its way. */
  sending(conversation, text, { id, action }) {
    conversation.forgetMark();
    conversation.addPending({ id, text, action, from: this.nick, at: new Date().toISOString() });
    this.#changed();
  }

  /** Everything that was sent and not acknowledged, to be sent again. */
  unacknowledged() {
    return this.rooms.flatMap((room) => room.pending.map((entry) => ({ room, entry })));
  }

  /** The connection is lost: nobody is known to be anywhere. */
  disconnected() {
    for (const conversation of this.conversations.values()) conversation.disconnected();
    this.#changed();
  }

  /** Takes what the server tells. */
  apply(event) {
    this.#handlers[event.type]?.(event);
    this.#changed();
  }

  #handlers = {
    welcome: ({ nick, loginRequired }) => {
      this.nick = nick;
      this.mustLogIn = loginRequired;
    },
    joined: (event) => {
      const room = this.conversation(event.room);
      room.joined(event);
      if (this.current === undefined) this.open(room);
    },
    left: ({ room: name, reason }) => {
      const room = this.conversations.get(keyOf(name));
      if (room === undefined) return;
      if (reason === undefined) return this.remove(room);
      room.left(`You were taken out of ${room.name}: ${reason}`);
    },
    history: ({ room, epoch, messages, id }) =>
      this.conversation(room).addHistory(epoch, messages, this.nick, id !== undefined),
    unrecovered: ({ room, reason }) =>
      this.conversation(room).addNote(`Some messages before this point could not be recovered: ${reason}`, "gap"),
    message: (message) => {
      const room = this.conversation(message.room);
      const isOwn = message.from === this.nick;
      if (room.addMessage(message, isOwn) && !isOwn) this.#arrived(room, mentions(message.text, this.nick));
    },
    ack: ({ room, id }) => this.conversation(room).acknowledged(id),
    private: ({ from, to, text, at, id }) => {
      const isOwn = from === this.nick;
      const person = this.conversation(isOwn ? to : from);
      person.settlePending(id);
      person.addPrivate({ from, text, at, id, isOwn });
      if (!isOwn) this.#arrived(person, true);
    },
    join: ({ room, nick }) => this.conversation(room).entered(nick),
    leave: ({ room, nick, reason }) => this.conversation(room).wentAway(nick, reason),
    nick: ({ from, to }) => {
      if (from === this.nick) this.nick = to;
      for (const conversation of this.conversations.values()) conversation.renamed(from, to);
      this.#renameConversation(from, to);
    },
    topic: ({ room, topic, by }) => this.conversation(room).setTopic(topic, by),
    who: ({ room, members }) => this.conversation(room).setMembers(members),
    rooms: ({ rooms }) => void (this.directory = rooms),
    moderation: (event) => this.conversation(event.room).moderated(event),
    notice: ({ text, from }) => this.#tell(from === undefined ? text : `${from} announces: ${text}`, false),
    error: (event) => this.#refused(event),
    bye: ({ reason }) => this.#tell(`The server says goodbye: ${reason}`, false),
  };

  #arrived(conversation, isMention) {
    if (conversation === this.current && this.isWatching) return conversation.read();
    conversation.arrived(isMention);
  }

  #refused({ code, text, field, id }) {
    for (const conversation of this.conversations.values()) {
      if (conversation.failPending(id, text)) return;
    }
    const event = new CustomEvent("refused", { detail: { code, text, field, id }, cancelable: true });
    // Whoever shows it where it was asked for cancels the passing word.
    if (this.dispatchEvent(event)) this.#tell(text, true);
  }

  /** A person that one talks to in private has another name. */
  #renameConversation(from, to) {
    const person = this.conversations.get(keyOf(from));
    if (person === undefined || person.isRoom || this.conversations.has(keyOf(to))) return;
    this.conversations.delete(person.key);
    person.name = to;
    this.conversations.set(person.key, person);
  }

  #tell(text, isError) {
    this.dispatchEvent(new CustomEvent("notice", { detail: { text, isError } }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
