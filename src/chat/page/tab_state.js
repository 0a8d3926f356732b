/**
 * State of this tab that survives a reload: drafts, messages that exist nowhere else, and a secret.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ChatStore } from "./store.js" */

import { recall, remember } from "./dom.js";
import { restore, save } from "./saved.js";

/** Unguessable, because the server treats a second message with an `id` as a duplicate. */
export function newId() {
  // crypto.randomUUID() requires TLS or localhost.
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

  /** Restores operator rights after a reload. */
  get claim() {
    const kept = recall("claim", "sessionStorage") ?? newId();
    remember("claim", kept, "sessionStorage");
    return kept;
  }

  /**
   * Shows the draft of the current conversation.
   *
   * @param {Conversation | undefined} before
   */
  showDraft(before) {
    const { drafts, current } = this.#store;
    const typed = this.#box.text;
    const draft = drafts.get(current?.key ?? "") ?? "";
    if (before !== undefined) drafts.set(before.key, typed);
    // A draft without a conversation moves to the first one that is opened.
    this.#box.text = before === undefined && typed !== draft ? [draft, typed].filter(Boolean).join("\n") : draft;
  }

  /** @param {string} [owner] Login name, because another user may log in after a reload. */
  save(owner = "") {
    // A reload before the login must not replace the saved state.
    if (!this.#isRestored) return;
    const store = this.#store;
    store.drafts.set(store.current?.key ?? "", this.#box.text);
    const isKept = remember("saved", JSON.stringify({ owner, state: save(store) }), "sessionStorage");
    // If storage is full, only data that exists nowhere else is kept.
    if (!isKept) remember("saved", JSON.stringify({ owner, state: save(store, { maxPrivate: 0 }) }), "sessionStorage");
  }

  /** @param {string} [owner] */
  restore(owner = "") {
    this.#isRestored = true;
    const saved = recall("saved", "sessionStorage") || "{}";
    // Removed, so that an invalid state fails only once.
    remember("saved", "", "sessionStorage");
    const found = JSON.parse(saved);
    if (found.owner !== owner) return;
    restore(this.#store, found.state);
    if (this.#store.current === undefined) this.#box.text ||= this.#store.drafts.get("") ?? "";
  }
}
