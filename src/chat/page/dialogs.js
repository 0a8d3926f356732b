/**
 * The three dialogs: name, room, login.
 *
 * @module
 */

/** @import { Directory, EventOf } from "./types.ts" */

import { byId, byIdAs, make } from "./dom.js";
import { compareNames, counted } from "./text.js";

/** @typedef {"rename" | "room" | "login"} Kind */

/**
 * Actions of the dialogs.
 *
 * @typedef {object} DialogActions
 * @property {(nick: string) => void} rename
 * @property {(room: string) => boolean} join `false` if not connected.
 * @property {() => void} loadRooms Loads more rooms.
 * @property {(name: string, password: string) => void} logIn
 */

/** @type {readonly Kind[]} */
const KINDS = ["rename", "room", "login"];

/**
 * Opens a dialog, with a text in its first field.
 *
 * @param {Kind} kind
 * @param {string} text
 */
export function openDialog(kind, text = "") {
  const dialog = dialogOf(kind);
  if (dialog.open) return;
  byId(`${kind}-error`).textContent = "";
  const field = dialog.querySelector("input");
  if (field) field.value = text;
  dialog.showModal();
  field?.select();
}

/** @param {Kind} kind */
function dialogOf(kind) {
  return byIdAs(`${kind}-dialog`, HTMLDialogElement);
}

/** @param {string} id */
function valueOf(id) {
  return byIdAs(id, HTMLInputElement).value;
}

/**
 * Connects the dialogs to `actions`.
 *
 * @param {DialogActions} actions
 */
export function setUpDialogs(actions) {
  for (const kind of KINDS) {
    const dialog = dialogOf(kind);
    dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
    // Without a login there is nothing behind the dialog.
    if (kind === "login") dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      byId(`${kind}-error`).textContent = "";
      if (kind === "rename") actions.rename(valueOf("rename-text"));
      else if (kind === "login") actions.logIn(valueOf("login-name"), valueOf("login-password"));
      else {
        if (actions.join(valueOf("room-text").trim())) dialog.close();
      }
    });
  }
  /** @type {Directory} */
  let directory = { rooms: [] };
  const showDirectory = () => {
    const sought = valueOf("room-text").replace(/^#/, "").toLowerCase();
    const found = directory.rooms.filter(({ room }) => room.toLowerCase().includes(sought))
      .toSorted((a, b) => b.members - a.members || compareNames(a.room, b.room));
    byId("directory").replaceChildren(...found.map((room) => directoryItem(room, actions)));
    byId("more-rooms").hidden = directory.next === undefined;
  };
  byId("room-text").addEventListener("input", showDirectory);
  byId("more-rooms").addEventListener("click", () => actions.loadRooms());
  return {
    /** @param {Kind} kind */
    isOpen: (kind) => dialogOf(kind).open,
    /** @param {Kind} kind */
    close: (kind) => dialogOf(kind).close(),
    /**
     * @param {Kind} kind
     * @param {string} text
     * @param {string} [typed] The rejected text, if it may have been typed elsewhere.
     */
    showError(kind, text, typed) {
      openDialog(kind, typed ?? valueOf(`${kind}-${kind === "login" ? "name" : "text"}`));
      byId(`${kind}-error`).textContent = text;
      return true;
    },
    /** @param {Directory} found */
    showDirectory(found) {
      directory = found;
      showDirectory();
    },
  };
}

/**
 * @param {EventOf<"rooms">["rooms"][number]} room
 * @param {DialogActions} actions
 */
function directoryItem({ room, members, topic }, actions) {
  const button = make(
    "button",
    { type: "button", className: "directory-room" },
    make("span", { className: "label" }, room),
    make("span", { className: "count" }, counted(members, "person", "people")),
  );
  if (topic !== "") button.append(make("span", { className: "about" }, topic));
  button.addEventListener("click", () => {
    if (actions.join(room)) dialogOf("room").close();
  });
  return make("li", {}, button);
}
