/**
 * The lists in the side columns: conversations and people.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ChatStore } from "./store.js" */
/** @import { Person } from "./types.ts" */

import { arrange, byId, make } from "./dom.js";
import { avatar } from "./message_view.js";
import { compareNames } from "./text.js";

/**
 * Actions of the lists.
 *
 * @typedef {object} ListActions
 * @property {(conversation: Conversation) => void} open
 * @property {(nick: string) => void} openPerson
 * @property {(room: Conversation) => void} loadPeople Loads more members.
 */

export class ListsView {
  #store;
  #actions;
  /** @type {Map<Conversation, HTMLLIElement>} */
  #items = new Map();
  /** @type {Conversation | undefined} */
  #shown;

  /**
   * @param {ChatStore} store
   * @param {ListActions} actions
   */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
  }

  render() {
    const { rooms, people, conversations, current } = this.#store;
    for (const conversation of this.#items.keys()) {
      if (conversations.get(conversation.key) !== conversation) this.#items.delete(conversation);
    }
    arrange(byId("rooms"), rooms.map((each) => this.#item(each)));
    arrange(byId("private"), people.map((each) => this.#item(each)));
    byId("people-section").hidden = people.length === 0;
    if (current !== undefined && current !== this.#shown) {
      this.#items.get(current)?.scrollIntoView({ block: "nearest" });
    }
    this.#shown = current;
    this.#renderPeople();
  }

  /** @param {Conversation} conversation */
  #item(conversation) {
    const item = this.#items.get(conversation) ?? make("li");
    this.#items.set(conversation, item);
    const { name, isRoom, unread, mentions } = conversation;
    const isCurrent = conversation === this.#store.current;
    const stamp = `${name}:${unread}:${mentions}:${isCurrent}`;
    if (item.dataset.stamp === stamp) return item;
    item.dataset.stamp = stamp;
    const hadFocus = item.contains(document.activeElement);
    const button = make(
      "button",
      {
        type: "button",
        className: ["conversation", isCurrent && "current", unread > 0 && "unread"].filter(Boolean).join(" "),
        "aria-current": isCurrent ? "true" : undefined,
        title: name,
      },
      isRoom ? make("span", { className: "hash", "aria-hidden": "true" }, "#") : avatar(name, "small"),
      make("span", { className: "label" }, isRoom ? name.slice(1) : name),
      ...(unread > 0 ? unreadMarks(unread, mentions) : []),
    );
    button.addEventListener("click", () => this.#actions.open(conversation));
    item.replaceChildren(button);
    if (hadFocus) button.focus();
    return item;
  }

  #renderPeople() {
    const { current, nick } = this.#store;
    const people = [...current?.members.values() ?? []].sort((a, b) =>
      Number(b.operator) - Number(a.operator) || compareNames(a.nick, b.nick)
    );
    byId("people-count").textContent = String(people.length + (current?.moreMembers.count ?? 0));
    byId("show-people").hidden = !current?.isRoom;
    document.body.dataset.kind = current?.isRoom === false ? "private" : "room";
    const more = current?.moreMembers.count ?? 0;
    const stamp = JSON.stringify([people, nick, more]);
    const list = byId("people");
    if (list.dataset.stamp === stamp) return;
    list.dataset.stamp = stamp;
    list.replaceChildren(...people.map((person) => this.#person(person)));
    if (current && more > 0) list.append(this.#morePeople(current, more));
  }

  /**
   * @param {Conversation} room
   * @param {number} count
   */
  #morePeople(room, count) {
    const button = make(
      "button",
      { type: "button", className: "text-button", id: "more-people" },
      `Show ${count} more`,
    );
    button.addEventListener("click", () => this.#actions.loadPeople(room));
    return make("li", {}, button);
  }

  /** @param {Person} person */
  #person({ nick, operator }) {
    const isMe = nick === this.#store.nick;
    const button = make(
      "button",
      { type: "button", className: "person", disabled: isMe, title: operator ? `${nick}, operator` : nick },
      avatar(nick, "small"),
      make("span", { className: "label" }, nick),
      make("span", { className: "visually-hidden" }, isMe ? ", " : ", speak in private, "),
    );
    if (isMe) button.append(make("span", { className: "tag" }, "you"));
    if (operator) button.append(make("span", { className: "tag operator" }, "op"));
    button.addEventListener("click", () => this.#actions.openPerson(nick));
    return make("li", {}, button);
  }
}

/**
 * @param {number} unread
 * @param {number} mentions
 */
function unreadMarks(unread, mentions) {
  const count = unread > 99 ? "99+" : String(unread);
  return [
    make("span", { className: mentions > 0 ? "badge mention" : "badge" }, count),
    make("span", { className: "visually-hidden" }, mentions > 0 ? " unread, you are named" : " unread"),
  ];
}
