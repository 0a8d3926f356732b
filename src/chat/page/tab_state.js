/**
 * State of this tab that survives a reload: drafts, messages that exist nowhere else, and a secret.
 *
 * @module
 */

/** @import { ChatStore } from "./store.js" */
/** @import { MessageEntry, Saved } from "./types.ts" */

import { recall, remember } from "./dom.js";

/** Maximum private messages kept per person. */
const MAX_PRIVATE = 200;

/** Unguessable, because the server treats a second message with an `id` as a duplicate. */
export function newId() {
  // crypto.randomUUID() requires TLS or localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class TabState {
  #store;
  #isRestored = false;

  /** @param {ChatStore} store */
  constructor(store) {
    this.#store = store;
  }

  /** Restores operator rights after a reload. */
  get claim() {
    const kept = recall("claim", "sessionStorage") ?? newId();
    remember("claim", kept, "sessionStorage");
    return kept;
  }

  /** @param {string} [owner] Login name, because another user may log in after a reload. */
  save(owner = "") {
    // A reload before the login must not replace the saved state.
    if (!this.#isRestored) return;
    const store = this.#store;
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
  }
}

/**
 * @param {ChatStore} store
 * @param {{ maxPrivate?: number }} [limits]
 * @returns {Saved}
 */
export function save({ conversations, drafts, current }, { maxPrivate = MAX_PRIVATE } = {}) {
  return {
    drafts: [...drafts],
    current: current?.isShut ? undefined : current?.name,
    conversations: [...conversations.values()].map((conversation) => {
      const { name, isRoom, entries, unsent } = conversation;
      const sent = isRoom || maxPrivate === 0
        ? []
        : entries.filter((entry) => !unsent.includes(entry)).slice(-maxPrivate);
      return { name, messages: [...sent, ...unsent].filter((entry) => entry.kind === "message") };
    }).filter(({ name, messages }) => messages.length > 0 || name === current?.name),
  };
}

/**
 * Restores the saved state. Pending messages keep their `id`, so that the server stores them once.
 *
 * @param {ChatStore} store
 * @param {Saved} saved
 */
export function restore(store, { drafts, current, conversations }) {
  for (const [key, text] of drafts) store.drafts.set(key, store.drafts.get(key) || text);
  for (const { name, messages } of conversations) {
    const conversation = store.conversation(name);
    for (const message of messages) restoreMessage(store, conversation, message);
    if (!conversation.isRoom) conversation.disconnected();
  }
  if (current !== undefined) store.open(store.conversation(current));
}

/**
 * @param {ChatStore} store
 * @param {ReturnType<ChatStore["conversation"]>} conversation
 * @param {MessageEntry} message
 */
function restoreMessage(store, conversation, message) {
  const { id, text, action, state, why = "", code } = message;
  if (state === "sent" || id === undefined) return conversation.addPrivate(message, message.isOwn);
  conversation.addPending({ ...message, id });
  if (state === "failed") conversation.failPending(id, { text: why, ...(code === undefined ? {} : { code }) });
  else if (conversation.isRoom) store.progress.published(id, { room: conversation.name, text, action });
}
