/**
 * The chat page: brings the connection, the store and the view together.
 *
 * @module
 */

/** @import { Conversation } from "./conversation.js" */
/** @import { ChatEvent, Draft, EventOf, MessageEntry, Refusal, Request } from "./types.ts" */

import { COMMANDS, HISTORY_COUNT, parseTyped, roomName } from "./composer.js";
import { openDialog, setUpDialogs } from "./dialogs.js";
import { byId, recall, remember } from "./dom.js";
import { setUpMessageBox } from "./message_box.js";
import { setUpPanels } from "./panels.js";
import { ChatSocket } from "./socket.js";
import { ChatStore, NEXT_PAGE } from "./store.js";
import { newId, TabState } from "./tab_state.js";
import { counted } from "./text.js";
import { View } from "./view.js";

const LOBBY = "#lobby";
/** Prefixes of the `id` of a join request: requested by the user, or a rejoin. */
const ASKED = "asked:";
const BACK = "back:";
/** The `id` of a request whose response follows all missed messages, since requests are answered in order. */
const CAUGHT_UP = "caught-up";
/** The rest of longer lists is loaded on demand. */
const MAX_ROOMS = 500;
const MAX_MEMBERS = 2_000;
/** The server may still reserve the name for the lost connection. */
const NAME_TRIES = 5;
const NAME_WAIT_MS = 1_500;

const store = new ChatStore({
  changed: () => view.schedule(),
  notice: (text, isError) => view.toast(text, isError),
  switched: () => box.show(),
  retry,
  refused,
});
const view = new View(store, {
  open: show,
  openPerson: (nick) => show(store.conversation(nick)),
  loadOlder,
  retry: sayAgain,
  discard: ({ id }) => store.current && store.discard(store.current, id),
  loadPeople,
});
const endpoint = new URL(document.documentElement.dataset.endpoint ?? "/", location.origin);
endpoint.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new ChatSocket(endpoint.href, {
  opened: () => view.connection.show("connecting", hasBeenOnline ? "Connected again, catching up" : ""),
  received: take,
  question,
  lost(loss) {
    isCaughtUp = false;
    store.disconnected();
    view.connection.showLoss(loss);
  },
});
const dialogs = setUpDialogs({
  rename: (nick) => request({ type: "nick", nick }),
  join: (name) => join(roomName(name)),
  logIn,
  loadRooms,
});
const panels = setUpPanels();
const box = setUpMessageBox(store, {
  submit: obey,
  names: () => [...store.current?.members.values() ?? []].map(({ nick }) => nick).filter((nick) => nick !== store.nick),
});
const tab = new TabState(store);
let nameTries = 0;
/** With login, the name is that of the login. */
let hasLogIn = false;
/**
 * For the next connection; not stored elsewhere.
 *
 * @type {{ name: string, password: string } | undefined}
 */
let credentials;
let receivedBefore = 0;
let hasBeenOnline = false;
/** Whether all rooms are rejoined and missed messages received. */
let isCaughtUp = false;

/** @param {ChatEvent} event */
function take(event) {
  if ("id" in event && event.id === CAUGHT_UP) return caughtUp();
  const nickBefore = store.nick;
  store.apply(event);
  if (event.type === "welcome") welcomed(event);
  else if (event.type === "joined") joined(event);
  else if (event.type === "who") restOf(event);
  else if (event.type === "left") rememberRooms();
  else if (event.type === "rooms") {
    dialogs.showDirectory(store.directory);
    if (store.directory.rooms.length < MAX_ROOMS) loadRooms();
  } else if (event.type === "nick" && nickBefore !== store.nick) {
    remember("nick", store.nick);
    nameTries = 0;
    dialogs.close("rename");
  }
}

/**
 * Connected: restores the last name and rejoins the rooms after their last messages.
 *
 * @param {EventOf<"welcome">} event
 */
function welcomed({ nick, loginRequired }) {
  if (loginRequired) {
    hasLogIn = true;
    return credentials === undefined ? openDialog("login") : logIn(credentials.name, credentials.password);
  }
  dialogs.close("login");
  if (!hasBeenOnline) {
    tab.restore(credentials?.name);
    box.show();
  }
  const wanted = recall("nick");
  nameTries = 0;
  if (wanted !== undefined && wanted !== nick && !hasLogIn) request({ type: "nick", nick: wanted });
  const open = store.rooms.filter(({ isShut }) => !isShut).map(({ name }) => name);
  const remembered = hasBeenOnline ? [] : (recall("rooms") ?? LOBBY).split(" ").filter((name) => name !== "");
  receivedBefore = store.received;
  const names = [...new Set([...remembered, ...open])];
  for (const name of names) join(name);
  request(question(CAUGHT_UP, names[0]));
}

/** @param {EventOf<"joined">} event */
function joined(event) {
  const { room, id } = event;
  if (isCaughtUp) rememberRooms();
  restOf(event);
  if (id?.startsWith(ASKED)) show(store.conversation(room));
}

/**
 * Requests the next page of a room's members.
 *
 * @param {EventOf<"joined"> | EventOf<"who">} event
 */
function restOf({ room: name }) {
  const room = store.conversations.get(name.toLowerCase());
  if (room !== undefined && room.members.size < MAX_MEMBERS) loadPeople(room);
}

/** @param {Conversation} room */
function loadPeople({ name: room, moreMembers: { after } }) {
  if (after !== undefined) request({ type: "who", room, after, id: NEXT_PAGE });
}

function loadRooms() {
  const { next: after } = store.directory;
  if (after !== undefined) request({ type: "rooms", after, id: NEXT_PAGE });
}

/** The page has caught up. Unacknowledged messages that are not among the missed ones are sent again. */
function caughtUp() {
  isCaughtUp = true;
  rememberRooms();
  view.schedule();
  retry(store.progress.outstanding().map(([id]) => id));
  view.connection.show("online");
  if (hasBeenOnline) {
    const missed = store.received - receivedBefore;
    view.toast(
      missed === 0
        ? "Connected again: you missed nothing"
        : `Connected again: ${counted(missed, "missed message", "missed messages")} caught up`,
      false,
    );
  }
  hasBeenOnline = true;
}

/**
 * A request with a short response, about a joined room: the server disconnects clients after too many consecutive
 * rejected requests.
 *
 * @param {string} id
 * @param {string} [room]
 * @returns {Request}
 */
function question(id, room = store.rooms.find(({ isJoined }) => isJoined)?.name) {
  return room === undefined ? { type: "rooms", id } : { type: "topic", room, id };
}

function rememberRooms() {
  remember("rooms", store.rooms.filter(({ isJoined }) => isJoined).map(({ name }) => name).join(" "));
}

/**
 * Joins a room; `false` if not connected.
 *
 * @param {string} name
 */
function join(name) {
  const known = store.conversations.get(name.toLowerCase());
  if (known?.isJoined) {
    show(known);
    return true;
  }
  const id = `${isCaughtUp && (!known || known.isShut) ? ASKED : BACK}${name}`;
  return request({ type: "join", room: name, ...store.progress.positionOf(name), id, claim: tab.claim });
}

/** @param {Conversation} conversation */
function show(conversation) {
  store.open(conversation);
  panels.close();
  box.focus();
}

function loadOlder(count = HISTORY_COUNT) {
  const { current } = store;
  const before = current?.oldestSeq;
  if (!current?.hasOlder || current.isLoadingOlder || !current.isJoined || before === undefined) return;
  current.isLoadingOlder = true;
  request({ type: "history", room: current.name, before, count, id: "older" });
}

/**
 * Logs in, now or once reconnected: the server closes the connection if the login takes too long.
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
 * Shows a rejection where the request was made; `true` if that was possible.
 *
 * @param {Refusal} refusal
 */
function refused({ code, text, id }) {
  if (id?.startsWith(BACK)) {
    store.shutOut(id.slice(BACK.length), text);
    return true;
  }
  if (code === "bad-room") {
    return dialogs.showError("room", text, id?.startsWith(ASKED) ? id.slice(ASKED.length) : undefined);
  }
  if (code === "login-failed") {
    credentials = undefined;
    return dialogs.showError("login", text);
  }
  if (code === "login-required" && dialogs.isOpen("login")) return !(socket.retries = false);
  if ((code === "nick-taken" || code === "bad-nick") && dialogs.isOpen("rename")) {
    return dialogs.showError("rename", text);
  }
  if (code === "nick-taken" && nameTries < NAME_TRIES) {
    nameTries++;
    setTimeout(() => request({ type: "nick", nick: recall("nick") }), NAME_WAIT_MS);
  }
  return false;
}

/**
 * Sends a request; `false` if not connected, which is then shown.
 *
 * @param {Request} what
 */
function request(what) {
  const isSent = socket.send(what);
  if (!isSent) view.toast("Not connected: try again in a moment", true);
  return isSent;
}

/**
 * @param {Conversation} conversation
 * @param {Omit<Draft, "id"> & { id?: string }} message
 */
function say(conversation, { text, action, id = newId() }) {
  const draft = { id, text, action };
  store.sending(conversation, draft);
  // Unsent messages are sent after reconnecting.
  if (conversation.isRoom) publish(id);
  else if (!socket.send({ type: "private", to: conversation.name, text, id })) {
    conversation.failPending(id, { text: "not connected" });
  }
}

/** @param {MessageEntry} entry A rejected message. */
function sayAgain({ text, action, id, code }) {
  const { current } = store;
  if (current === undefined) return;
  store.discard(current, id);
  // The server stores it once per ID, unless another message has that ID.
  say(current, { text, action, ...(id === undefined || code === "id-conflict" ? {} : { id }) });
}

/** @param {string} id ID of an unacknowledged publish. */
function publish(id) {
  const message = store.progress.publishOf(id);
  // Before catch-up is complete, the message may be among the missed ones.
  if (message !== undefined && isCaughtUp) socket.send({ type: "publish", id, ...message });
}

/** @param {readonly string[]} ids */
function retry(ids) {
  for (const id of ids) {
    if (id.startsWith(BACK) || id.startsWith(ASKED)) join(id.slice(id.indexOf("#")));
    else publish(id);
  }
}

/**
 * Runs a command or sends a message; `false` if not possible.
 *
 * @param {string} typed
 */
function obey(typed) {
  const wish = parseTyped(typed, store.current);
  switch (wish?.kind) {
    case "fault":
      view.toast(wish.text, true);
      return false;
    case "help":
      if (store.current === undefined) view.toast(COMMANDS.join("\n"), false);
      else store.explain(COMMANDS);
      return true;
    case "browse":
      browse();
      return true;
    case "open": {
      const person = store.conversation(wish.nick);
      show(person);
      if (wish.text) say(person, { text: wish.text, action: undefined });
      return true;
    }
    case "say":
      if (store.current) say(store.current, { text: wish.text, action: wish.action });
      return store.current !== undefined;
    case "history":
      if (!store.current?.hasOlder) view.toast("No older messages are kept", false);
      else loadOlder(wish.count);
      return true;
    case "join":
      return join(wish.room);
    case "request":
      return request(wish.request);
  }
  return true;
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
byId("join-room").addEventListener("click", browse);
byId("leave").addEventListener("click", () => {
  const { current } = store;
  if (current?.isRoom && current.isJoined) request({ type: "leave", room: current.name });
  else if (current && current.unsent.length > 0) {
    view.toast("Some messages here are not sent: send them again or discard them first", true);
  } else if (current) store.remove(current);
});
byId("rejoin").addEventListener("click", () => store.current && join(store.current.name));
byId("retry").addEventListener("click", () => socket.connect());
addEventListener("online", () => socket.connect());
addEventListener("focus", () => view.looked());
addEventListener("blur", () => view.looked());
addEventListener("pagehide", () => tab.save(credentials?.name));
document.addEventListener("visibilitychange", () => {
  view.looked();
  if (document.hidden) tab.save(credentials?.name);
  if (!document.hidden) socket.connect();
});

view.connection.show("connecting");
socket.connect();
