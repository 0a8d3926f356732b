/**
 * Shows what the store knows, once a frame at the most.
 *
 * @module
 */

import { arrange, byId, make } from "./dom.js";
import { avatar, MessageList } from "./message_view.js";
import { counted } from "./text.js";

/** From the end within which the reader counts as being there, in pixels. */
const NEAR_END = 48;

/** The page. What people do with it is told to `actions`. */
export class View {
  #store;
  #actions;
  #messages;
  #isDue = false;
  #shown;
  #shownEntries;
  #shownNick;
  #isPinned = true;
  #items = new Map();

  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    this.#messages = new MessageList((entry) => actions.retry(entry));
    store.addEventListener("change", () => this.#schedule());
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#isPinned && this.#toEnd()).observe(this.#scroller);
    byId("jump").addEventListener("click", () => this.#toEnd());
    byId("load-older").addEventListener("click", () => actions.loadOlder());
  }

  get #scroller() {
    return byId("scroller");
  }

  /** A passing word, for eyes and for screen readers. */
  toast(text, isError) {
    const item = make("p", { className: isError ? "toast error" : "toast" }, text);
    byId("toasts").append(item);
    setTimeout(() => item.remove(), isError ? 8_000 : 5_000);
  }

  /** Tells how the connection is. */
  connection(state, text = "") {
    document.body.dataset.state = state;
    byId("banner").hidden = state === "online" && text === "";
    byId("banner-text").textContent = text;
    byId("retry").hidden = state !== "waiting";
    byId("me-state").textContent = { online: "Online", connecting: "Connecting", waiting: "Offline" }[state];
  }

  /** The newest message, and what comes after it. */
  #toEnd() {
    this.#isPinned = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#scrolled();
  }

  #schedule() {
    if (this.#isDue) return;
    this.#isDue = true;
    // Hidden pages draw no frames, but their title must tell of what came.
    if (document.hidden) setTimeout(() => this.#render(), 50);
    else requestAnimationFrame(() => this.#render());
  }

  #render() {
    this.#isDue = false;
    const { current } = this.#store;
    this.#renderLists();
    this.#renderHead(current);
    this.#renderPeople(current);
    this.#renderMessages(current);
    this.#renderTitle(current);
    const { nick } = this.#store;
    byId("me-nick").textContent = nick;
    if (byId("me-avatar").dataset.nick !== nick) {
      const made = avatar(nick);
      Object.assign(made, { id: "me-avatar" });
      made.dataset.nick = nick;
      byId("me-avatar").replaceWith(made);
    }
  }

  #renderTitle(current) {
    const { mentions, unread } = this.#store;
    const mark = mentions > 0 ? `(${mentions}) ` : unread > 0 ? "\u2022 " : "";
    document.title = `${mark}${current ? `${current.name} \u00b7 ` : ""}Parley`;
    byId("side-badge").hidden = unread === 0;
  }

  #renderLists() {
    const { rooms, people } = this.#store;
    arrange(byId("rooms"), rooms.map((each) => this.#item(each)));
    arrange(byId("private"), people.map((each) => this.#item(each)));
    byId("people-section").hidden = people.length === 0;
  }

  #item(conversation) {
    let item = this.#items.get(conversation);
    if (item === undefined) {
      const button = make("button", { type: "button", className: "conversation" });
      button.addEventListener("click", () => this.#actions.open(conversation));
      this.#items.set(conversation, item = make("li", {}, button));
    }
    const { name, isRoom, unread, mentions } = conversation;
    const isCurrent = conversation === this.#store.current;
    const stamp = `${name}:${unread}:${mentions}:${isCurrent}`;
    if (item.dataset.stamp === stamp) return item;
    item.dataset.stamp = stamp;
    const button = item.firstChild;
    button.className = ["conversation", isCurrent && "current", unread > 0 && "unread"].filter(Boolean).join(" ");
    if (isCurrent) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    const sign = isRoom ? make("span", { className: "hash", "aria-hidden": "true" }, "#") : avatar(name, "small");
    const badge = make(
      "span",
      { className: mentions > 0 ? "badge mention" : "badge" },
      unread > 99 ? "99+" : String(unread),
    );
    const words = make("span", { className: "visually-hidden" }, " unread");
    button.replaceChildren(
      sign,
      make("span", { className: "label" }, isRoom ? name.slice(1) : name),
      ...(unread > 0 ? [badge, words] : []),
    );
    return item;
  }

  #renderHead(current) {
    byId("title").textContent = current?.name ?? "Parley";
    byId("topic").textContent = current?.isRoom ? current.topic : current ? "Only the two of you read this" : "";
    byId("leave").hidden = current === undefined;
    byId("leave").textContent = current?.isRoom ? "Leave" : "Close";
    const placeholder = current ? `Message ${current.name}` : "Message";
    byId("composer-text").placeholder = placeholder;
    byId("composer-label").textContent = placeholder;
    byId("scroller").setAttribute("aria-label", current ? `Messages in ${current.name}` : "Messages");
  }

  #renderPeople(current) {
    const people = [...current?.members.values() ?? []].sort((a, b) =>
      Number(b.operator) - Number(a.operator) || a.nick.localeCompare(b.nick)
    );
    byId("people-count").textContent = String(people.length);
    byId("show-people").hidden = !current?.isRoom;
    document.body.dataset.kind = current?.isRoom === false ? "private" : "room";
    const stamp = JSON.stringify([people, this.#store.nick]);
    const list = byId("people");
    if (list.dataset.stamp === stamp) return;
    list.dataset.stamp = stamp;
    list.replaceChildren(...people.map((person) => this.#person(person)));
  }

  #person({ nick, operator }) {
    const isMe = nick === this.#store.nick;
    const label = isMe ? `${nick}, you` : `${nick}: speak in private`;
    const button = make("button", {
      type: "button",
      className: "person",
      disabled: isMe,
      "aria-label": operator ? `${label}, operator` : label,
    });
    button.append(avatar(nick, "small"), make("span", { className: "label" }, nick));
    if (isMe) button.append(make("span", { className: "tag" }, "you"));
    if (operator) button.append(make("span", { className: "tag operator", title: "Operator" }, "op"));
    button.addEventListener("click", () => this.#actions.openPerson(nick));
    return make("li", {}, button);
  }

  #renderMessages(current) {
    const log = byId("log");
    const scroller = this.#scroller;
    const isOther = current !== this.#shown;
    byId("older").hidden = !current?.hasOlder;
    byId("load-older").disabled = current?.isLoadingOlder ?? false;
    byId("load-older").textContent = current?.isLoadingOlder ? "Loading older messages" : "Show older messages";
    this.#renderBeginning(current);
    if (!isOther && this.#shownEntries === current?.entries && this.#shownNick === this.#store.nick) return;
    // Only what arrives is to be read aloud, not what was there before.
    log.setAttribute("aria-live", isOther ? "off" : "polite");
    const anchor = isOther || this.#isPinned ? undefined : this.#firstInView(log);
    const anchorTop = anchor?.getBoundingClientRect().top ?? 0;
    arrange(log, this.#messages.elements(current?.entries ?? [], { nick: this.#store.nick, mark: current?.mark }));
    this.#shown = current;
    this.#shownEntries = current?.entries;
    this.#shownNick = this.#store.nick;
    if (isOther) return this.#toMark(current);
    if (this.#isPinned) return this.#toEnd();
    // What is being read stays where it is, whatever came above it.
    if (anchor?.isConnected) scroller.scrollTop += anchor.getBoundingClientRect().top - anchorTop;
    this.#scrolled();
  }

  /** The first message that can be seen. */
  #firstInView(log) {
    const { top } = this.#scroller.getBoundingClientRect();
    return [...log.children].find((element) =>
      element.classList.contains("message") && element.getBoundingClientRect().bottom > top
    );
  }

  /** What was not read begins at the top, or the newest message is at the end. */
  #toMark(current) {
    const mark = current?.mark === undefined ? null : byId("log").querySelector(".separator.new");
    if (mark === null) return this.#toEnd();
    mark.scrollIntoView({ block: "center" });
    this.#isPinned = false;
    this.#scrolled();
  }

  #renderBeginning(current) {
    const beginning = byId("beginning");
    beginning.hidden = current === undefined || current.hasOlder;
    const stamp = `${current?.name}:${current?.isRoom}`;
    if (beginning.hidden || beginning.dataset.stamp === stamp) return;
    beginning.dataset.stamp = stamp;
    const words = current.isRoom
      ? ["This is where the room begins. Everyone who joins can read along."]
      : ["What you write here is for the two of you, and is not kept by the server."];
    beginning.replaceChildren(make("p", { className: "beginning-title" }, current.name), make("p", {}, ...words));
  }

  #renderJump() {
    const { current } = this.#store;
    byId("jump").hidden = this.#isPinned;
    const unread = current?.unread ?? 0;
    byId("jump-text").textContent = unread > 0 ? counted(unread, "new message", "new messages") : "Latest messages";
  }

  #scrolled() {
    const scroller = this.#scroller;
    this.#isPinned = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
    this.#store.watch(this.#isPinned && document.visibilityState === "visible" && document.hasFocus());
    if (scroller.scrollTop < 80) this.#actions.loadOlder();
    this.#renderJump();
  }

  /** The page is looked at again, or no longer. */
  looked() {
    this.#scrolled();
  }
}
