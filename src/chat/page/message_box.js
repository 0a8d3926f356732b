/**
 * The box that messages are typed into.
 *
 * @module
 */

/** @import { ChatStore } from "./store.js" */

import { completeName } from "./composer.js";
import { byIdAs } from "./dom.js";

/**
 * Actions of the box.
 *
 * @typedef {object} BoxActions
 * @property {(text: string) => boolean} submit `false` if the text was not accepted and stays in the box.
 * @property {() => string[]} names Names for completion.
 */

/**
 * Sets up the box, which shows the store's draft: Enter sends, Tab completes a name, and the height follows the text.
 *
 * @param {ChatStore} store
 * @param {BoxActions} actions
 */
export function setUpMessageBox(store, actions) {
  const box = byIdAs("composer-text", HTMLTextAreaElement);
  const form = byIdAs("composer", HTMLFormElement);
  const show = () => {
    if (box.value !== store.draft) box.value = store.draft;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  };
  // Typed before this script was loaded.
  store.draft = box.value;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { draft } = store;
    // Cleared first, because the command may show another conversation with its own draft.
    store.draft = "";
    if (!actions.submit(draft)) store.draft = draft;
    show();
  });
  box.addEventListener("input", () => {
    store.draft = box.value;
    show();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Tab" && !event.shiftKey && box.value !== "") {
      const done = completeName(box.value, box.selectionStart, actions.names());
      if (done === undefined) return;
      event.preventDefault();
      store.draft = done.text;
      show();
      box.setSelectionRange(done.caret, done.caret);
    }
  });
  return { show, focus: () => box.focus() };
}
