/**
 * The chat page: brings the connection, the store and the view together.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ChatEvent, Draft, EventOf, Refusal, Request } from "./types.ts" */

import { COMMANDS, parseTyped, roomName } from "./composer.js";
import { byId, recall, remember } from "./dom.js";
import { openDialog, setUpDialogs } from "./dialogs.js";
import { setUpMessageBox } from "./message_box.js";
import { setUpPanels } from "./panels.js";
import { ChatSocket } from "./socket.js";
import { ChatStore, NEXT_PAGE } from "./store.js";
import { counted } from "./text.js";
import { View } from "./view.js";

const LOBBY = "#lobby";
/** Before the name, in the `id` of a request to enter a room: one that was asked for, or of before. */
const ASKED = "asked:";
const BACK = "back:";
const HISTORY_COUNT = 50;
/** Of longer lists the page shows the beginning. */
const MAX_ROOMS = 500;
const MAX_MEMBERS = 2_000;
/** The server may still hold our name for the connection that was lost. */
const NAME_TRIES = 5;
const NAME_WAIT_MS = 1_500;
/** After the last room is joined again, what was missed is here within this time. */
const CATCH_UP_MS = 400;

const store = new ChatStore({
  changed: () => view.schedule(),
  notice: (text, isError) => view.toast(text, isError),
  refused,
});
const view = new View(store, {
  open: show,
  openPerson: (nick) => show(store.conversation(nick)),
  loadOlder,
  retry: ({ text, action, id }) => store.current && say(store.current, text, action, id),
});
const endpoint = new URL(document.documentElement.dataset.endpoint ?? "/", location.origin);
endpoint.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new ChatSocket(endpoint.href, {
  opened: () => view.connection.show("connecting", hasBeenOnline ? "Connected again, catching up" : ""),
  received: take,
  lost(loss) {
    store.disconnected();
    view.connection.showLoss(loss);
  },
});
const dialogs = setUpDialogs({
  rename: (nick) => request({ type: "nick", nick }),
  join: (name) => join(roomName(name)),
  logIn,
});
const panels = setUpPanels();
const box = setUpMessageBox({
  submit: obey,
  names: () => [...store.current?.members.values() ?? []].map(({ nick }) => nick).filter((nick) => nick !== store.nick),
});
let nameTries = 0;
/** Who logs in here is called as the log-in says. */
let hasLogIn = false;
/**
 * For the next connection; kept nowhere else.
 *
 * @type {{ name: string, password: string } | undefined}
 */
let credentials;
let missed = 0;
let hasBeenOnline = false;

/** @param {ChatEvent} event */
function take(event) {
  const nickBefore = store.nick;
  store.apply(event);
  if (event.type === "welcome") welcomed(event);
  else if (event.type === "joined") joined(event);
  else if (event.type === "who") restOf(event);
  else if (event.type === "left") rememberRooms();
  else if (event.type === "message" && !event.id?.startsWith(pageId)) missed++;
  else if (event.type === "rooms") {
    dialogs.showDirectory(store.directory);
    if (event.next !== undefined && store.directory.length < MAX_ROOMS) {
      request({ type: "rooms", after: event.next, id: NEXT_PAGE });
    }
  } else if (event.type === "nick" && nickBefore !== store.nick) {
    remember("nick", store.nick);
    nameTries = 0;
    dialogs.close("rename");
  }
}

/**
 * In: take the name of last time, and go back to the rooms, where each goes on after its last message.
 *
 * @param {EventOf<"welcome">} event
 */
function welcomed({ nick, loginRequired }) {
  if (loginRequired) {
    hasLogIn = true;
    return credentials === undefined ? openDialog("login") : logIn(credentials.name, credentials.password);
  }
  dialogs.close("login");
  const wanted = recall("nick");
  nameTries = 0;
  if (wanted !== undefined && wanted !== nick && !hasLogIn) request({ type: "nick", nick: wanted });
  const open = store.rooms.filter(({ isShut }) => !isShut).map(({ name }) => name);
  const names = open.length > 0 ? open : (recall("rooms") || LOBBY).split(" ");
  missed = 0;
  for (const name of names) join(name);
  request({ type: "rooms" });
  for (const { room, draft } of store.unacknowledged()) publish(room, draft);
}

/** @param {EventOf<"joined">} event */
function joined(event) {
  const { room, resumed, id } = event;
  rememberRooms();
  restOf(event);
  if (id?.startsWith(ASKED)) show(store.conversation(room));
  settled(resumed);
}

/**
 * Asks for the next page of a room's members.
 *
 * @param {EventOf<"joined"> | EventOf<"who">} event
 */
function restOf({ room, next }) {
  if (next !== undefined && store.conversation(room).members.size < MAX_MEMBERS) {
    request({ type: "who", room, after: next, id: NEXT_PAGE });
  }
}

/**
 * Once it is known of each room whether the reader is in it again, the page is as before.
 *
 * @param {boolean} resumed
 */
function settled(resumed) {
  if (document.body.dataset.state === "online") return;
  if (store.rooms.some(({ isJoined, isShut }) => !isJoined && !isShut)) return;
  if (!hasBeenOnline || !resumed) {
    hasBeenOnline = true;
    return view.connection.show("online");
  }
  // What was missed follows this event: a moment later it is here and counted.
  view.connection.show("online", "Connected again");
  setTimeout(() => {
    view.connection.show("online");
    view.toast(
      missed === 0
        ? "Connected again: you missed nothing"
        : `Connected again: ${counted(missed, "missed message", "missed messages")} caught up`,
      false,
    );
  }, CATCH_UP_MS);
}

function rememberRooms() {
  remember("rooms", store.rooms.filter(({ isJoined }) => isJoined).map(({ name }) => name).join(" "));
}

/** @param {string} name */
function join(name) {
  const known = store.conversations.get(name.toLowerCase());
  const position = known?.position;
  if (known?.isJoined) return show(known);
  const id = `${hasBeenOnline && (!known || known.isShut) ? ASKED : BACK}${name}`;
  request({ type: "join", room: name, ...(position ?? {}), id });
}

/** @param {Conversation} conversation */
function show(conversation) {
  store.open(conversation);
  panels.close();
  box.focus();
}

function loadOlder() {
  const { current } = store;
  const before = current?.oldestSeq;
  if (!current?.hasOlder || current.isLoadingOlder || !current.isJoined || before === undefined) return;
  current.isLoadingOlder = true;
  request({ type: "history", room: current.name, before, count: HISTORY_COUNT, id: "older" });
}

/**
 * A log-in, now or when the connection is back: who types slowly finds it closed.
 *
 * @param {string} name
 * @param {string} password
 */
function logIn(name, password) {
  credentials = { name, password };
  socket.retries = true;
  if (!socket.send({ type: "login", name, password })) socket.connect();
}

/**
 * Tells the reader where something was asked for; `true` where that was done.
 *
 * @param {Refusal} refusal
 */
function refused({ code, text, id }) {
  if (id?.startsWith(BACK)) {
    store.shutOut(id.slice(BACK.length), text);
    settled(true);
    return true;
  }
  if (code === "login-failed") {
    credentials = undefined;
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

/** @param {Request} what */
function request(what) {
  if (!socket.send(what)) view.toast("Not connected: try again in a moment", true);
}

const pageId = crypto.randomUUID?.().slice(0, 8) ?? Math.random().toString(36).slice(2, 10);
let sent = 0;

/**
 * @param {Conversation} conversation
 * @param {string} text
 * @param {true} [action]
 * @param {string} [oldId] Of a message that was refused and is sent again.
 */
function say(conversation, text, action, oldId) {
  const id = oldId ?? `${pageId}-${++sent}`;
  if (oldId !== undefined) conversation.settlePending(oldId);
  const draft = { id, text, action };
  store.sending(conversation, draft);
  // What cannot be sent now is sent when the connection is back.
  if (conversation.isRoom) publish(conversation, draft);
  else if (!socket.send({ type: "private", to: conversation.name, text, id })) {
    conversation.failPending(id, "not connected");
  }
}

/**
 * @param {Conversation} room
 * @param {Draft} draft
 */
function publish(room, { id, text, action }) {
  socket.send({ type: "publish", room: room.name, text, id, ...(action ? { action } : {}) });
}

/** @param {string} typed */
function obey(typed) {
  const wish = parseTyped(typed, store.current);
  switch (wish?.kind) {
    case "fault":
      return view.toast(wish.text, true);
    case "help":
      return store.explain(COMMANDS);
    case "browse":
      return browse();
    case "open": {
      const person = store.conversation(wish.nick);
      show(person);
      return wish.text ? say(person, wish.text) : undefined;
    }
    case "say":
      return store.current ? say(store.current, wish.text, wish.action) : undefined;
    case "join":
      return join(wish.room);
    case "request":
      return request(wish.request);
  }
}

function browse() {
  dialogs.showDirectory(store.directory);
  request({ type: "rooms" });
  openDialog("room");
}

document.addEventListener("keydown", (event) => {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const all = [...store.rooms, ...store.people];
    const at = store.current === undefined ? 0 : all.indexOf(store.current) + (event.key === "ArrowUp" ? -1 : 1);
    const next = all.at(at % all.length);
    if (next) show(next);
    event.preventDefault();
  }
});

byId("rename").addEventListener("click", () => openDialog("rename", store.nick));
byId("browse").addEventListener("click", browse);
byId("leave").addEventListener("click", () => {
  const { current } = store;
  if (current?.isRoom && current.isJoined) request({ type: "leave", room: current.name });
  else if (current) store.remove(current);
});
byId("rejoin").addEventListener("click", () => store.current && join(store.current.name));
byId("retry").addEventListener("click", () => socket.connect());
addEventListener("online", () => socket.connect());
addEventListener("focus", () => view.looked());
addEventListener("blur", () => view.looked());
document.addEventListener("visibilitychange", () => {
  view.looked();
  if (!document.hidden) socket.connect();
});

view.connection.show("connecting");
socket.connect();
