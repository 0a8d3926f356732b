/**
 * The messages of the current conversation, and the scroll position.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ChatStore } from "./store.js" */
/** @import { MessageActions } from "./message_view.js" */
/** @import { Entry } from "./types.ts" */

import { arrange, byId, byIdAs, make } from "./dom.js";
import { MessageList } from "./message_view.js";
import { counted } from "./text.js";

/** Distance from the end that counts as being there, in pixels. */
const NEAR_END = 48;
/** Distance from the start at which older messages are loaded, in pixels. */
const NEAR_BEGINNING = 80;

/**
 * Actions of the messages.
 *
 * @typedef {MessageActions & { loadOlder: () => void }} LogActions
 */

export class LogView {
  #store;
  #actions;
  #messages;
  #scroller = byId("scroller");
  #log = byId("log");
  #entries = byId("entries");
  /** @type {{ conversation: Conversation | undefined, entries: readonly Entry[] | undefined, nick: string } | undefined} */
  #shown;
  #isPinned = true;

  /**
   * @param {ChatStore} store
   * @param {LogActions} actions
   */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
    this.#messages = this.#messageList();
    this.#scroller.addEventListener("scroll", () => this.look(), { passive: true });
    new ResizeObserver(() => this.#isPinned && this.#toEnd()).observe(this.#scroller);
    byId("jump").addEventListener("click", () => this.#toEnd());
    byId("load-older").addEventListener("click", () => actions.loadOlder());
  }

  render() {
    const { current, nick } = this.#store;
    byId("older").hidden = !current?.hasOlder;
    const button = byIdAs("load-older", HTMLButtonElement);
    button.disabled = current?.isLoadingOlder ?? false;
    button.textContent = button.disabled ? "Loading older messages" : "Show older messages";
    this.#renderBeginning(current);
    this.#renderEntries(current, nick);
    this.#renderJump(current);
  }

  /**
   * @param {Conversation | undefined} current
   * @param {string} nick
   */
  #renderEntries(current, nick) {
    const shown = this.#shown;
    const isOther = current !== shown?.conversation;
    if (!isOther && shown?.entries === current?.entries && shown?.nick === nick) return;
    // Only new messages are announced to screen readers.
    this.#log.setAttribute("aria-live", isOther ? "off" : "polite");
    const anchor = isOther || this.#isPinned ? undefined : this.#firstInView();
    const anchorTop = anchor?.getBoundingClientRect().top ?? 0;
    // Elements are kept by key, and a key is unique within its conversation only.
    if (isOther) this.#messages = this.#messageList();
    arrange(this.#entries, this.#messages.elements(current?.entries ?? [], { nick, mark: current?.mark }));
    this.#shown = { conversation: current, entries: current?.entries, nick };
    if (isOther) return this.#toMark(current);
    if (this.#isPinned) return this.#toEnd();
    // Keeps the scroll position when content is added above.
    if (anchor?.isConnected) this.#scroller.scrollTop += anchor.getBoundingClientRect().top - anchorTop;
    this.look();
  }

  #messageList() {
    return new MessageList(this.#actions);
  }

  /** Reports to the store whether the newest message is visible. */
  look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#isPinned = scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#store.watch(this.#isPinned && document.visibilityState === "visible" && document.hasFocus());
    if (scrollTop < NEAR_BEGINNING) this.#actions.loadOlder();
    this.#renderJump(this.#store.current);
  }

  /** Scrolls to the newest message and follows new ones. */
  #toEnd() {
    this.#isPinned = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.look();
  }

  /** The first visible message. */
  #firstInView() {
    const { top } = this.#scroller.getBoundingClientRect();
    return [...this.#entries.children].find((element) =>
      element.classList.contains("message") && element.getBoundingClientRect().bottom > top
    );
  }

  /**
   * Scrolls to the first unread message, or to the end.
   *
   * @param {Conversation | undefined} current
   */
  #toMark(current) {
    const mark = current?.mark === undefined ? null : this.#entries.querySelector(".separator.new");
    if (mark === null) return this.#toEnd();
    mark.scrollIntoView({ block: "center" });
    this.look();
  }

  /** @param {Conversation | undefined} current */
  #renderBeginning(current) {
    const beginning = byId("beginning");
    beginning.hidden = current === undefined || current.hasOlder;
    if (current === undefined || beginning.hidden || beginning.dataset.of === current.name) return;
    beginning.dataset.of = current.name;
    const words = current.isRoom
      ? "This is where the room begins. Everyone who joins can read along."
      : "What you write here is for the two of you, and is not kept by the server.";
    beginning.replaceChildren(make("p", { className: "beginning-title" }, current.name), make("p", {}, words));
  }

  /** @param {Conversation | undefined} current */
  #renderJump(current) {
    byId("jump").hidden = this.#isPinned;
    const unread = current?.unread ?? 0;
    byId("jump-text").textContent = unread > 0 ? counted(unread, "new message", "new messages") : "Latest messages";
  }
}
