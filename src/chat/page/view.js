/**
 * Renders the store, at most once per frame.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ListActions } from "./lists_view.js" */
/** @import { LogActions } from "./log_view.js" */
/** @import { ChatStore } from "./store.js" */

import { ConnectionView } from "./connection_view.js";
import { byId, byIdAs, make } from "./dom.js";
import { ListsView } from "./lists_view.js";
import { LogView } from "./log_view.js";
import { avatar } from "./message_view.js";

const TOAST_MS = 5_000;
/** Errors are shown longer. */
const ERROR_MS = 8_000;
const MAX_TOASTS = 4;

/** The page; user input goes to `actions`. */
export class View {
  connection = new ConnectionView();
  #store;
  #lists;
  #log;
  #isDue = false;

  /**
   * @param {ChatStore} store
   * @param {ListActions & LogActions} actions
   */
  constructor(store, actions) {
    this.#store = store;
    this.#lists = new ListsView(store, actions);
    this.#log = new LogView(store, actions);
  }

  /** Schedules a render for the next frame. */
  schedule() {
    if (this.#isDue) return;
    this.#isDue = true;
    // Hidden pages have no frames, but their title must show unread messages.
    if (document.hidden) setTimeout(() => this.#render(), 50);
    else requestAnimationFrame(() => this.#render());
  }

  /** Handles visibility changes. */
  looked() {
    this.#log.look();
  }

  /**
   * Shows a transient notice, also to screen readers.
   *
   * @param {string} text
   * @param {boolean} isError
   */
  toast(text, isError) {
    const item = make("p", { className: isError ? "toast error" : "toast" }, text);
    const toasts = byId("toasts");
    toasts.append(item);
    if (toasts.childElementCount > MAX_TOASTS) toasts.firstElementChild?.remove();
    setTimeout(() => item.remove(), isError ? ERROR_MS : TOAST_MS);
  }

  #render() {
    this.#isDue = false;
    const { current, nick } = this.#store;
    this.#lists.render();
    this.#renderHead(current);
    this.#log.render();
    this.#renderTitle(current);
    byId("me-nick").textContent = nick;
    if (byId("me-avatar").dataset.nick === nick) return;
    const made = avatar(nick);
    made.id = "me-avatar";
    made.dataset.nick = nick;
    byId("me-avatar").replaceWith(made);
  }

  /** @param {Conversation | undefined} current */
  #renderTitle(current) {
    const { mentions, unread } = this.#store;
    const mark = mentions > 0 ? `(${mentions}) ` : unread > 0 ? "\u2022 " : "";
    document.title = `${mark}${current ? `${current.name} \u00b7 ` : ""}Parley`;
    byId("side-badge").hidden = unread === 0;
  }

  /** @param {Conversation | undefined} current */
  #renderHead(current) {
    byId("title").textContent = current?.name ?? "Parley";
    const topic = current?.isRoom ? current.topic : current ? "Only the two of you read this" : "";
    byId("topic").textContent = byId("topic").title = topic;
    byId("composer").hidden = byId("composer-hint").hidden = current?.isShut ?? false;
    byId("nowhere").hidden = current !== undefined || document.body.dataset.state !== "online";
    byId("shut").hidden = !current?.isShut;
    byId("leave").hidden = current === undefined;
    byId("leave").textContent = current?.isRoom ? "Leave" : "Close";
    const placeholder = current ? `Message ${current.name}` : "Message";
    byIdAs("composer-text", HTMLTextAreaElement).placeholder = placeholder;
    byId("composer-label").textContent = placeholder;
    byId("scroller").setAttribute("aria-label", current ? `Messages in ${current.name}` : "Messages");
  }
}
