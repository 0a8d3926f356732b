/**
 * State that must survive a page reload: drafts, unacknowledged messages, and private messages, which the server does
 * not keep. Pure.
 *
 * @module
 */

/** @import { ChatStore } from "./store.js" */
/** @import { MessageEntry, Saved } from "./types.ts" */

/** Maximum private messages kept per person. */
const MAX_PRIVATE = 200;

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
  for (const [key, text] of drafts) store.drafts.set(key, text);
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
