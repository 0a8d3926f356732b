/**
 * The box that messages are typed into.
 *
 * @module
 */

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
 * Sets up the box: Enter sends, Tab completes a name, and the height follows the text.
 *
 * @param {BoxActions} actions
 */
export function setUpMessageBox(actions) {
  const box = byIdAs("composer-text", HTMLTextAreaElement);
  const form = byIdAs("composer", HTMLFormElement);
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value;
    // Cleared first, because the command may show another conversation with its own draft.
    box.value = "";
    if (!actions.submit(text)) box.value = text;
    fit();
  });
  box.addEventListener("input", fit);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === "Tab" && !event.shiftKey && box.value !== "") {
      const done = completeName(box.value, box.selectionStart, actions.names());
      if (done === undefined) return;
      event.preventDefault();
      box.value = done.text;
      box.setSelectionRange(done.caret, done.caret);
    }
  });
  return {
    focus: () => box.focus(),
    get text() {
      return box.value;
    },
    set text(text) {
      box.value = text;
      fit();
    },
  };
}
