import { assert, assertEquals } from "@std/assert";
import type { ChatEvent } from "../../../src/chat/event.ts";
import type { RoomMessage } from "../../../src/chat/message.ts";
import type { Entry } from "../../../src/chat/page/types.ts";
import { ChatStore } from "../../../src/chat/page/store.js";
import { restore, save } from "../../../src/chat/page/tab_state.js";

type Joined = Extract<ChatEvent, { type: "joined" }>;

/** A store in which ada is in #lobby, with messages up to `seq`. */
function storeInLobby(seq = 0) {
  const store = new ChatStore();
  store.apply({ type: "welcome", nick: "ada", motd: [], loginRequired: false });
  store.apply(joined({ seq }));
  return { store, lobby: store.conversation("#lobby") };
}

function joined(changes: Partial<Joined> = {}): Joined {
  const members = [{ nick: "ada", operator: true }];
  return { type: "joined", room: "#lobby", epoch: "e1", seq: 0, topic: "", resumed: false, members, ...changes };
}

function message(seq: number, changes: Partial<RoomMessage> = {}): RoomMessage {
  const at = "2026-11-22T10:00:00.000Z";
  return { type: "message", room: "#lobby", seq, epoch: "e1", at, from: "bob", text: `text ${seq}`, ...changes };
}

const textsOf = ({ entries }: { entries: readonly { text: string }[] }) => entries.map(({ text }) => text);

function statesOf({ entries }: { entries: readonly Entry[] }) {
  return entries.flatMap((entry) => entry.kind === "message" ? [[entry.text, entry.state, entry.why]] : []);
}

Deno.test("ChatStore shows messages in the order of their numbers, each once, in whatever order they arrive", () => {
  const { store, lobby } = storeInLobby(3);
  store.apply(message(4));
  store.apply({ type: "history", room: "#lobby", epoch: "e1", messages: [message(2), message(3)] });
  store.apply(message(4));
  store.apply({ type: "history", room: "#lobby", epoch: "e1", messages: [message(1), message(2)], id: "older" });
  assertEquals(textsOf(lobby), ["text 1", "text 2", "text 3", "text 4"]);
  assertEquals(lobby.hasOlder, false);
});

Deno.test("ChatStore remembers where to resume after a loss", () => {
  const { store, lobby } = storeInLobby(3);
  assertEquals(store.progress.positionOf("#lobby"), { epoch: "e1", seq: 3 });
  store.apply(message(4));
  store.disconnected();
  assertEquals([lobby.isJoined, store.progress.positionOf("#lobby")], [false, { epoch: "e1", seq: 4 }]);
  store.apply(joined({ seq: 6, resumed: true }));
  assertEquals(store.progress.positionOf("#lobby"), { epoch: "e1", seq: 4 });
  store.apply(message(5));
  assertEquals(store.progress.positionOf("#lobby"), { epoch: "e1", seq: 5 });
});

Deno.test("ChatStore keeps the shown messages when the numbering restarts, and appends the new ones", () => {
  const { store, lobby } = storeInLobby(0);
  store.apply(message(1, { text: "before" }));
  store.sending(lobby, { text: "on its way", id: "p-1", action: undefined });
  store.disconnected();
  store.apply(joined({ epoch: "e2" }));
  store.apply({ type: "unrecovered", room: "#lobby", epoch: "e2", seq: 0, reason: "numbered anew" });
  store.apply(message(1, { epoch: "e2", text: "after" }));
  const texts = textsOf(lobby);
  assertEquals([texts[0], texts[2], texts[3]], ["before", "after", "on its way"]);
  assert(texts[1]?.includes("numbered anew"));
  assertEquals(store.progress.positionOf("#lobby"), { epoch: "e2", seq: 1 });
});

Deno.test("ChatStore puts the stored message in the place of the one that was sent", () => {
  const { store, lobby } = storeInLobby();
  store.sending(lobby, { text: "mine", id: "p-1", action: undefined });
  assertEquals(store.progress.unacknowledged, 1);
  store.apply({ type: "ack", id: "p-1", room: "#lobby", seq: 1, epoch: "e1" });
  assertEquals(store.progress.unacknowledged, 0);
  store.apply(message(1, { from: "ada", text: "mine", id: "p-1" }));
  assertEquals(statesOf(lobby), [["mine", "sent", undefined]]);
  assertEquals(lobby.unread, 0);
});

Deno.test("ChatStore marks a message that was refused, with the reason", () => {
  const { store, lobby } = storeInLobby();
  store.sending(lobby, { text: "mine", id: "p-1", action: undefined });
  store.apply({ type: "error", code: "muted", text: "You cannot speak", id: "p-1" });
  assertEquals(statesOf(lobby), [["mine", "failed", "You cannot speak"]]);
});

Deno.test("ChatStore counts unread messages, and marks the first one", () => {
  const { store, lobby } = storeInLobby();
  store.apply(message(1));
  assertEquals(lobby.unread, 0);
  store.watch(false);
  store.apply(message(2, { text: "hi Ada, are you there?" }));
  store.apply(message(3));
  assertEquals([lobby.unread, lobby.mentions, store.mentions], [2, 1, 1]);
  assertEquals(lobby.mark, lobby.entries[1]?.key);
  store.watch(true);
  assertEquals([lobby.unread, lobby.mark], [0, lobby.entries[1]?.key]);
});

Deno.test("ChatStore opens a conversation for a private message, under the other's name", () => {
  const { store } = storeInLobby();
  const at = "2026-11-22T10:00:00.000Z";
  store.apply({ type: "private", from: "bob", to: "ada", text: "psst", at });
  const bob = store.conversation("BOB");
  assertEquals([textsOf(bob), bob.unread, store.mentions], [["psst"], 1, 1]);
  store.apply({ type: "nick", from: "bob", to: "robert" });
  assertEquals(store.people.map(({ name }) => name), ["robert"]);
});

Deno.test("ChatStore tracks the members of a room", () => {
  const { store, lobby } = storeInLobby();
  const nicks = () => [...lobby.members.values()].map(({ nick }) => nick);
  store.apply({ type: "join", room: "#lobby", nick: "bob" });
  store.apply({ type: "nick", from: "bob", to: "robert" });
  assertEquals(nicks(), ["ada", "robert"]);
  store.apply({ type: "leave", room: "#lobby", nick: "robert", reason: "connection lost" });
  assertEquals(nicks(), ["ada"]);
  store.apply({ type: "nick", from: "ada", to: "grace" });
  assertEquals([store.nick, nicks()], ["grace", ["grace"]]);
});

Deno.test("ChatStore removes a room that the user leaves, and keeps one that the user was removed from", () => {
  const { store, lobby } = storeInLobby();
  store.apply({ type: "left", room: "#lobby", reason: "kicked by eve" });
  assertEquals([store.rooms.length, lobby.isJoined], [1, false]);
  assert(textsOf(lobby)[0]?.includes("kicked by eve"));
  store.apply({ type: "left", room: "#lobby" });
  assertEquals(store.rooms.length, 0);
});

Deno.test("ChatStore shows a requested topic and who set it", () => {
  const { store, lobby } = storeInLobby();
  store.apply({ type: "topic", room: "#lobby", topic: "" });
  store.apply({ type: "topic", room: "#lobby", topic: "tea", by: "bob" });
  store.apply({ type: "topic", room: "#lobby", topic: "tea" });
  assertEquals(textsOf(lobby), ["No topic is set", "bob set the topic: tea", "The topic: tea"]);
  assertEquals(lobby.topic, "tea");
});

Deno.test("ChatStore keeps a room that may not be entered shut until it is joined", () => {
  const { store, lobby } = storeInLobby();
  store.shutOut("#lobby", "You are banned");
  assertEquals([lobby.isJoined, lobby.isShut, textsOf(lobby)], [false, true, ["You are banned"]]);
  store.apply(joined());
  assertEquals([lobby.isJoined, lobby.isShut], [true, false]);
});

Deno.test("ChatStore forgets the oldest of very many messages, and takes them again", () => {
  const { store, lobby } = storeInLobby();
  for (let seq = 1; seq <= 1_501; seq++) store.apply(message(seq));
  assertEquals([lobby.entries.length, lobby.oldestSeq, lobby.hasOlder], [1_000, 502, true]);
  lobby.isLoadingOlder = true;
  store.apply({ type: "history", room: "#lobby", epoch: "e1", messages: [message(500), message(501)], id: "older" });
  assertEquals([lobby.entries.length, lobby.oldestSeq], [1_002, 500]);
});

Deno.test("ChatStore gives every entry of a conversation a unique key (fault 1)", () => {
  const { store, lobby } = storeInLobby();
  const at = "2026-11-22T10:00:00.000Z";
  store.apply(message(1));
  store.apply(message(2, { id: "2" }));
  store.apply({ type: "join", room: "#lobby", nick: "bob" });
  store.sending(lobby, { text: "pending", id: "2", action: undefined });
  store.apply({ type: "private", from: "bob", to: "ada", text: "psst", at });
  for (const { entries } of store.conversations.values()) {
    assertEquals(new Set(entries.map(({ key }) => key)).size, entries.length);
  }
});

Deno.test("ChatStore keeps two messages apart that their senders gave the same id (fault 1)", () => {
  const { store, lobby } = storeInLobby();
  store.apply(message(1, { from: "bob", id: "1" }));
  store.apply(message(2, { from: "eve", id: "1" }));
  assertEquals(textsOf(lobby), ["text 1", "text 2"]);
  assertEquals(new Set(lobby.entries.map(({ key }) => key)).size, 2);
});

Deno.test("ChatStore appends further pages of a list to the first, and starts over with a new first page (chat C2)", () => {
  const { store, lobby } = storeInLobby();
  const page = (...nicks: string[]) => nicks.map((nick) => ({ nick, operator: false }));
  store.apply({ type: "who", room: "#lobby", members: page("bob"), id: "next page" });
  assertEquals([...lobby.members.keys()], ["ada", "bob"]);
  store.apply({ type: "who", room: "#lobby", members: page("cy") });
  assertEquals([...lobby.members.keys()], ["cy"]);
  const rooms = (...names: string[]) => names.map((room) => ({ room, members: 1, topic: "" }));
  store.apply({ type: "rooms", rooms: rooms("#a"), more: 1, next: "1 #a" });
  store.apply({ type: "rooms", rooms: rooms("#b"), id: "next page" });
  assertEquals(store.directory.rooms.map(({ room }) => room), ["#a", "#b"]);
  store.apply({ type: "rooms", rooms: rooms("#c") });
  assertEquals(store.directory.rooms.map(({ room }) => room), ["#c"]);
  store.apply({ type: "who", room: "#lobby", members: page("dan"), more: 2, next: "dan" });
  assertEquals(lobby.moreMembers, { count: 2, after: "dan" });
  store.apply({ type: "who", room: "#lobby", members: page("eve", "fay"), id: "next page" });
  assertEquals(lobby.moreMembers, { count: 0, after: undefined });
});

Deno.test("ChatStore keeps a room that is left while messages of it are unsent (fault 2)", () => {
  const { store, lobby } = storeInLobby();
  store.sending(lobby, { text: "mine", id: "p-1", action: undefined });
  store.apply({ type: "left", room: "#lobby" });
  store.apply({ type: "error", code: "not-in-room", text: "no space", id: "p-1" });
  assertEquals([store.rooms.length, statesOf(lobby)], [1, [["mine", "failed", "no space"]]]);
});

Deno.test("ChatStore fails private messages that were not confirmed before the connection was lost (fault 2)", () => {
  const { store } = storeInLobby();
  const bob = store.conversation("bob");
  store.sending(bob, { text: "psst", id: "p-1", action: undefined });
  store.disconnected();
  assertEquals(statesOf(bob).map(([text, state]) => [text, state]), [["psst", "failed"]]);
});

for (const id of [undefined, "p-1"]) {
  Deno.test(`ChatStore shows a private message to oneself once, with ${id === undefined ? "no" : "its"} id`, () => {
    const { store } = storeInLobby();
    const ada = store.conversation("ada");
    store.sending(ada, { text: "note", id: "p-1", action: undefined });
    store.apply({ type: "private", from: "ada", to: "ada", text: "note", at: "2026-11-22T10:00:00.000Z", id });
    assertEquals(statesOf(ada), [["note", "sent", undefined]]);
  });
}

Deno.test("ChatStore knows an own message under a name of before", () => {
  const { store, lobby } = storeInLobby();
  store.sending(lobby, { text: "mine", id: "p-1", action: undefined });
  store.disconnected();
  store.apply({ type: "welcome", nick: "guest2", motd: [], loginRequired: false });
  store.watch(false);
  store.apply(message(1, { from: "ada", text: "mine", id: "p-1" }));
  assertEquals([statesOf(lobby), lobby.unread], [[["mine", "sent", undefined]], 0]);
});

Deno.test("ChatStore does not restore a room that was left when late events about it arrive", () => {
  const { store } = storeInLobby();
  store.apply({ type: "left", room: "#lobby" });
  store.apply({ type: "ack", id: "p-1", room: "#lobby", seq: 1, epoch: "e1" });
  store.apply({ type: "topic", room: "#lobby", topic: "tea", by: "bob" });
  store.apply({ type: "join", room: "#lobby", nick: "bob" });
  store.apply({ type: "leave", room: "#lobby", nick: "bob" });
  assertEquals(store.rooms, []);
});

Deno.test("ChatStore reports a gap only if messages were shown before it (fault 35)", () => {
  const { store, lobby } = storeInLobby();
  const restarted = (epoch: string) => {
    store.disconnected();
    store.apply(joined({ epoch }));
    store.apply({ type: "unrecovered", room: "#lobby", epoch, seq: 0, reason: "numbered anew" });
  };
  restarted("e2");
  assertEquals(textsOf(lobby), []);
  store.apply(message(1, { epoch: "e2" }));
  restarted("e3");
  assertEquals(textsOf(lobby).length, 2);
});

Deno.test("save() and restore() keep drafts, unsent messages and private ones through a reload (fault 2)", () => {
  const { store, lobby } = storeInLobby();
  store.apply(message(1));
  store.sending(lobby, { text: "on its way", id: "p-1", action: undefined });
  store.sending(lobby, { text: "refused", id: "p-2", action: undefined });
  store.apply({ type: "error", code: "id-conflict", text: "conflict", id: "p-2" });
  store.apply({ type: "private", from: "bob", to: "ada", text: "psst", at: "2026-11-22T10:00:00.000Z" });
  store.drafts.set("#lobby", "half a");
  store.open(store.conversation("bob"));
  const saved = JSON.parse(JSON.stringify(save(store)));

  const reloaded = new ChatStore();
  restore(reloaded, saved);
  const room = reloaded.conversation("#lobby");
  reloaded.apply(joined({ seq: 1 }));
  reloaded.apply({ type: "history", room: "#lobby", epoch: "e1", messages: [message(1)] });
  assertEquals(statesOf(room), [
    ["text 1", "sent", undefined],
    ["on its way", "sending", undefined],
    ["refused", "failed", "conflict"],
  ]);
  assertEquals(reloaded.progress.outstanding().map(([id]) => id), ["p-1"]);
  assertEquals(textsOf(reloaded.conversation("bob")), ["psst"]);
  assertEquals([reloaded.current?.name, reloaded.drafts.get("#lobby")], ["bob", "half a"]);
});

Deno.test("ChatStore enters a room that it left as if for the first time", () => {
  const { store } = storeInLobby(3);
  store.apply({ type: "left", room: "#lobby" });
  assertEquals(store.progress.positionOf("#lobby"), undefined);
});

Deno.test("ChatStore leaves a message on its way while the server cannot store it, and asks again", async () => {
  const retried = Promise.withResolvers<readonly string[]>();
  const store = new ChatStore({
    changed() {},
    notice() {},
    switched() {},
    retry: retried.resolve,
    refused: () => false,
  });
  store.apply(joined());
  const lobby = store.conversation("#lobby");
  store.sending(lobby, { text: "mine", id: "p-1", action: undefined });
  store.apply({ type: "error", code: "not-stored", text: "no space", id: "p-1" });
  assertEquals(statesOf(lobby), [["mine", "sending", undefined]]);
  assertEquals(await retried.promise, ["p-1"]);
  store.apply(message(1, { from: "ada", text: "mine", id: "p-1" }));
  assertEquals([statesOf(lobby), store.progress.unacknowledged], [[["mine", "sent", undefined]], 0]);
});

Deno.test("ChatStore counts messages of others once, also when a room's history is reset", () => {
  const { store } = storeInLobby();
  store.apply(message(1));
  store.apply(message(1));
  store.apply(message(2, { from: "ada" }));
  store.apply(joined({ epoch: "e2", seq: 2 }));
  const messages = [message(1, { epoch: "e2" }), message(2, { epoch: "e2", from: "ada" })];
  store.apply({ type: "history", room: "#lobby", epoch: "e2", messages });
  store.apply({ type: "history", room: "#lobby", epoch: "e2", messages: [message(1)], id: "older" });
  assertEquals(store.received, 2);
});

Deno.test("ChatStore marks history as unread after a reconnect, but not after entering a room", () => {
  const { store } = storeInLobby();
  store.apply(joined({ room: "#dev", seq: 2 }));
  const dev = store.conversation("#dev");
  const history = (epoch: string, ...seqs: number[]) =>
    store.apply({
      type: "history",
      room: "#dev",
      epoch,
      messages: seqs.map((seq) => message(seq, { room: "#dev", epoch })),
    });
  history("e1", 1, 2);
  assertEquals([dev.unread, store.received], [0, 0]);
  store.disconnected();
  store.apply(joined({ room: "#dev", epoch: "e2", seq: 2 }));
  history("e2", 1, 2);
  assertEquals([dev.unread, store.received], [2, 2]);
  assertEquals(dev.mark, dev.entries.findLast(({ text }) => text === "text 1")?.key);
});
