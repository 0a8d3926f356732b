/**
 * The chat page: brings the connection, the store and the view together.
 *
 * @module
 */

import { COMMANDS, completeName, parseLine, roomName } from "./composer.js";
import { byId, recall, remember } from "./dom.js";
import { openDialog, setUpDialogs } from "./dialogs.js";
import { setUpPanels } from "./panels.js";
import { ChatSocket } from "./socket.js";
import { ChatStore } from "./store.js";
import { counted } from "./text.js";
import { View } from "./view.js";

const LOBBY = "#lobby";
const HISTORY_COUNT = 50;
/** The server may still hold our name for the connection that was lost. */
const NAME_TRIES = 5;
const NAME_WAIT_MS = 1_500;

const store = new ChatStore();
const socket = new ChatSocket(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/`);
const view = new View(store, {
  open: show,
  openPerson: (nick) => show(store.conversation(nick)),
  loadOlder,
  retry: (entry) => say(store.current, entry.text, entry.action, entry.id),
});
const panels = setUpPanels();
let nameTries = 0;
/** Who logs in here is called as the log-in says. */
let hasLogIn = false;
/** For the next connection; kept nowhere else. */
let credentials;
let missed = 0;
let hasBeenOnline = false;

const dialogs = setUpDialogs({
  rename: (nick) => request({ type: "nick", nick }),
  join: (name) => join(roomName(name)),
  logIn,
});

socket.addEventListener(
  "open",
  () => view.connection("connecting", hasBeenOnline ? "Connected again, catching up" : ""),
);
socket.addEventListener("event", ({ detail }) => take(detail));
socket.addEventListener("down", ({ detail }) => {
  store.disconnected();
  const wait = Math.max(1, Math.round(detail.waitMs / 1000));
  view.connection("waiting", `Not connected. Next try in ${counted(wait, "second", "seconds")}`);
});
store.addEventListener("notice", ({ detail }) => view.toast(detail.text, detail.isError));
store.addEventListener("refused", (event) => refused(event.detail) && event.preventDefault());

function take(event) {
  const nickBefore = store.nick;
  store.apply(event);
  if (event.type === "welcome") welcomed(event);
  else if (event.type === "joined") joined(event);
  else if (event.type === "left") rememberRooms();
  else if (event.type === "message" && !event.id?.startsWith(pageId)) missed++;
  else if (event.type === "rooms") dialogs.showDirectory(store.directory);
  else if (event.type === "nick" && nickBefore !== store.nick) {
    remember("nick", store.nick);
    nameTries = 0;
    dialogs.close("rename");
  }
}

/** In: take the name of last time, and go back to the rooms, where each goes on after its last message. */
function welcomed({ nick, loginRequired }) {
  if (loginRequired) {
    hasLogIn = true;
    return credentials === undefined ? openDialog("login") : logIn(credentials.name, credentials.password);
  }
  dialogs.close("login");
  const wanted = recall("nick");
  nameTries = 0;
  if (wanted !== undefined && wanted !== nick && !hasLogIn) request({ type: "nick", nick: wanted });
  const names = store.rooms.length > 0 ? store.rooms.map(({ name }) => name) : (recall("rooms") || LOBBY).split(" ");
  missed = 0;
  for (const name of names) join(name);
  request({ type: "rooms" });
  for (const { room, entry } of store.unacknowledged()) publish(room, entry);
}

function joined({ room, resumed, id }) {
  rememberRooms();
  if (id === "asked") show(store.conversation(room));
  if (store.rooms.some(({ isJoined }) => !isJoined)) return;
  if (!hasBeenOnline || !resumed) {
    hasBeenOnline = true;
    return view.connection("online");
  }
  // What was missed follows this event: a moment later it is here and counted.
  view.connection("online", "Connected again");
  setTimeout(() => {
    view.connection("online");
    view.toast(
      missed === 0
        ? "Connected again: you missed nothing"
        : `Connected again: ${counted(missed, "missed message", "missed messages")} caught up`,
      false,
    );
  }, 400);
}

function rememberRooms() {
  remember("rooms", store.rooms.filter(({ isJoined }) => isJoined).map(({ name }) => name).join(" "));
}

function join(name) {
  const known = store.conversations.get(name.toLowerCase());
  const position = known?.position;
  if (known?.isJoined) return show(known);
  request({ type: "join", room: name, ...(position ?? {}), ...(known || !hasBeenOnline ? {} : { id: "asked" }) });
}

function show(conversation) {
  store.open(conversation);
  panels.close();
  byId("composer-text").focus();
}

function loadOlder() {
  const { current } = store;
  const before = current?.oldestSeq;
  if (!current?.hasOlder || current.isLoadingOlder || !current.isJoined || before === undefined) return;
  current.isLoadingOlder = true;
  request({ type: "history", room: current.name, before, count: HISTORY_COUNT, id: "older" });
}

/** A log-in, now or when the connection is back: who types slowly finds it closed. */
function logIn(name, password) {
  credentials = { name, password };
  socket.retries = true;
  if (!socket.send({ type: "login", name, password })) socket.connect();
}

/** Tells the reader where something was asked for; `true` where that was done. */
function refused({ code, text }) {
  if (code === "login-failed") {
    credentials = undefined;
    openDialog("login");
    return dialogs.showError("login", text);
  }
  if (code === "login-required" && dialogs.isOpen("login")) return !(socket.retries = false);
  if ((code === "nick-taken" || code === "bad-nick") && dialogs.isOpen("rename")) {
    return dialogs.showError("rename", text);
  }
  if (code === "bad-room") return dialogs.showError("room", text);
  if (code === "nick-taken" && nameTries < NAME_TRIES) {
    nameTries++;
    setTimeout(() => request({ type: "nick", nick: recall("nick") }), NAME_WAIT_MS);
  }
  return false;
}

function request(object) {
  if (socket.send(object)) return true;
  view.toast("Not connected: try again in a moment", true);
  return false;
}

const pageId = crypto.randomUUID?.().slice(0, 8) ?? Math.random().toString(36).slice(2, 10);
let sent = 0;

function say(conversation, text, action, oldId) {
  const id = oldId ?? `${pageId}-${++sent}`;
  if (oldId !== undefined) conversation.settlePending(oldId);
  store.sending(conversation, text, { id, action });
  const entry = { id, text, action };
  // What cannot be sent now is sent when the connection is back.
  if (conversation.isRoom) publish(conversation, entry);
  else if (!socket.send({ type: "private", to: conversation.name, text, id })) {
    conversation.failPending(id, "not connected");
  }
}

function publish(room, { id, text, action }) {
  socket.send({ type: "publish", room: room.name, text, id, ...(action ? { action: true } : {}) });
}

const box = byId("composer-text");

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  for (const line of box.value.split("\n")) obey(parseLine(line, store.current));
  box.value = "";
  fit();
});

function obey(wish) {
  if (wish === undefined) return;
  if (wish.fault) return view.toast(wish.fault, true);
  if (wish.help) return COMMANDS.forEach((line) => store.current?.addNote(line, "help")), store.watch(true), refresh();
  if (wish.open) {
    const person = store.conversation(wish.open);
    show(person);
    return wish.text ? say(person, wish.text) : undefined;
  }
  if (wish.say) return store.current ? say(store.current, wish.say.text, wish.say.action) : undefined;
  if (wish.request.type === "join") return join(wish.request.room);
  request(wish.request);
}

function refresh() {
  store.dispatchEvent(new Event("change"));
}

box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing && !event.shiftKey) {
    event.preventDefault();
    byId("composer").requestSubmit();
  } else if (event.key === "Tab" && !event.shiftKey && box.value !== "") {
    const names = [...store.current?.members.values() ?? []].map(({ nick }) => nick).filter((nick) =>
      nick !== store.nick
    );
    const done = completeName(box.value, box.selectionStart, names);
    if (done === undefined) return;
    event.preventDefault();
    box.value = done.text;
    box.setSelectionRange(done.caret, done.caret);
  }
});
box.addEventListener("input", fit);

/** As high as its text. */
function fit() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const all = [...store.rooms, ...store.people];
    const at = all.indexOf(store.current) + (event.key === "ArrowUp" ? -1 : 1);
    if (all.length > 0) show(all.at(at % all.length));
    event.preventDefault();
  }
});

byId("rename").addEventListener("click", () => openDialog("rename", store.nick));
byId("browse").addEventListener("click", () => {
  dialogs.showDirectory(store.directory);
  request({ type: "rooms" });
  openDialog("room");
});
byId("leave").addEventListener("click", () => {
  const { current } = store;
  if (current?.isRoom && current.isJoined) request({ type: "leave", room: current.name });
  else if (current) store.remove(current);
});
byId("retry").addEventListener("click", () => socket.connect());
addEventListener("online", () => socket.connect());
addEventListener("focus", () => view.looked());
addEventListener("blur", () => view.looked());
document.addEventListener("visibilitychange", () => {
  view.looked();
  if (!document.hidden) socket.connect();
});

view.connection("connecting");
socket.connect();
