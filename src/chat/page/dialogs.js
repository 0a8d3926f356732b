/**
 * The three dialogs: name, room, log-in.
 *
 * @module
 */

import { byId, make } from "./dom.js";
import { counted } from "./text.js";

const KINDS = ["rename", "room", "login"];

/** Opens a dialog, with a text in its first field. */
export function openDialog(kind, text = "") {
  const dialog = byId(`${kind}-dialog`);
  if (dialog.open) return;
  byId(`${kind}-error`).textContent = "";
  const field = dialog.querySelector("input");
  field.value = text;
  dialog.showModal();
  field.select();
}

/** Tells `actions` what is chosen in the dialogs. */
export function setUpDialogs(actions) {
  for (const kind of KINDS) {
    const dialog = byId(`${kind}-dialog`);
    dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
    // Without a log-in there is nothing behind the dialog.
    if (kind === "login") dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      byId(`${kind}-error`).textContent = "";
      if (kind === "rename") actions.rename(byId("rename-text").value);
      else if (kind === "login") actions.logIn(byId("login-name").value, byId("login-password").value);
      else {
        actions.join(byId("room-text").value.trim());
        dialog.close();
      }
    });
  }
  return {
    isOpen: (kind) => byId(`${kind}-dialog`).open,
    close: (kind) => byId(`${kind}-dialog`).close(),
    showError(kind, text) {
      if (kind === "room" && !byId("room-dialog").open) openDialog("room", byId("room-text").value);
      byId(`${kind}-error`).textContent = text;
      return true;
    },
    showDirectory(rooms) {
      byId("directory").replaceChildren(...rooms.map((room) => directoryItem(room, actions)));
    },
  };
}

function directoryItem({ room, members, topic }, actions) {
  const button = make(
    "button",
    { type: "button", className: "directory-room" },
    make("span", { className: "label" }, room),
    make("span", { className: "count" }, counted(members, "person", "people")),
  );
  if (topic !== "") button.append(make("span", { className: "about" }, topic));
  button.addEventListener("click", () => {
    actions.join(room);
    byId("room-dialog").close();
  });
  return make("li", {}, button);
}
