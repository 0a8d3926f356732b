/**
 * What this tab keeps through a reload: the drafts of the conversations, the
 * messages that exist nowhere else, and a secret.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ChatStore } from "./store.js" */

import { recall, remember } from "./dom.js";
import { restore, save } from "./saved.js";

/** Not to be guessed: the server takes a second message of an `id` for the first. */
export function newId() {
  // crypto.randomUUID() is missing where the page is not served over TLS.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class TabState {
  #store;
  #box;
  #isRestored = false;

  /**
   * @param {ChatStore} store
   * @param {{ text: string }} box The message box.
   */
  constructor(store, box) {
    this.#store = store;
    this.#box = box;
  }

  /** With this the page is again operator of the rooms where it was one before a reload. */
  get claim() {
    const kept = recall("claim", "sessionStorage") ?? newId();
    remember("claim", kept, "sessionStorage");
    return kept;
  }

  /**
   * Puts the draft of the conversation that is shown into the box.
   *
   * @param {Conversation | undefined} before
   */
  showDraft(before) {
    const { drafts, current } = this.#store;
    const typed = this.#box.text;
    const draft = drafts.get(current?.key ?? "") ?? "";
    if (before !== undefined) drafts.set(before.key, typed);
    // What was typed in no conversation is for the first one that is opened.
    this.#box.text = before === undefined && typed !== draft ? [draft, typed].filter(Boolean).join("\n") : draft;
  }

  /** @param {string} [owner] The name of the log-in: someone else may log in after a reload. */
  save(owner = "") {
    // A reload before the log-in must not replace what waits for it.
    if (!this.#isRestored) return;
    const store = this.#store;
    store.drafts.set(store.current?.key ?? "", this.#box.text);
    const isKept = remember("saved", JSON.stringify({ owner, state: save(store) }), "sessionStorage");
    // Where there is no space for everything, there may be for what exists nowhere else.
    if (!isKept) remember("saved", JSON.stringify({ owner, state: save(store, { maxPrivate: 0 }) }), "sessionStorage");
  }

  /** @param {string} [owner] */
  restore(owner = "") {
    this.#isRestored = true;
    const saved = recall("saved", "sessionStorage") || "{}";
    // Whatever is wrong with it is wrong only once.
    remember("saved", "", "sessionStorage");
    const found = JSON.parse(saved);
    if (found.owner !== owner) return;
    restore(this.#store, found.state);
    if (this.#store.current === undefined) this.#box.text ||= this.#store.drafts.get("") ?? "";
  }
}
