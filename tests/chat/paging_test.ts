import { assert, assertEquals, assertThrows } from "@std/assert";
import { Logger } from "@parley/parley";
import { ChatError } from "../../src/chat/chat_error.ts";
import { LocalDirectory } from "../../src/chat/directory_local.ts";
import type { Person } from "../../src/chat/event.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import { Hub } from "../../src/chat/hub.ts";
import type { RoomMessage } from "../../src/chat/message.ts";
import { firstOf, newestThatFit, pageOfRooms } from "../../src/chat/paging.ts";
import type { JsonEvent } from "../support/chat_peer.ts";
import { ServedChat } from "../support/chat_wires.ts";
import { FakeSession } from "../support/fake_session.ts";

/** A directory that knows people on other servers. */
class WideDirectory extends LocalDirectory {
  people: Person[] = [];
  override elsewhere(): [] {
    return this.people as [];
  }
}

function createHub(directory = new WideDirectory()): Hub {
  const history = createMemoryHistory({ retention: { maxMessages: 1_000 } });
  return new Hub({ log: Logger.of("test"), history, directory });
}

async function enter(hub: Hub, room = "#a") {
  const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
  const member = hub.enter(session);
  await hub.join(member, room);
  return { session, member };
}

Deno.test("firstOf() returns the first items of a sort, and no more than requested", () => {
  const items = Array.from({ length: 200 }, (_, index) => (index * 73) % 101);
  for (const count of [0, 1, 7, 200, 300]) {
    assertEquals(firstOf(items, count, (a, b) => a - b), items.toSorted((a, b) => a - b).slice(0, count));
  }
});

Deno.test("pageOfRooms() returns every room once, the fullest first (chat C2)", () => {
  const all = Array.from({ length: 250 }, (_, index) => ({ room: `#r${index}`, members: index % 5 + 1, topic: "" }));
  const seen: string[] = [];
  const pages: number[] = [];
  let after: string | undefined;
  while (pages.length < 9) {
    const { rooms, more, next } = pageOfRooms(all, 100, after);
    seen.push(...rooms.map(({ room }) => room));
    pages.push(rooms.length);
    assertEquals(more, seen.length === 250 ? undefined : 250 - seen.length);
    if (next === undefined) break;
    after = next;
    // A room that was removed meanwhile does not end the list.
    if (pages.length === 1) all.splice(all.findIndex(({ room }) => room === rooms.at(-1)?.room), 1);
  }
  assertEquals(pages, [100, 100, 50]);
  assertEquals(new Set(seen).size, 250);
  for (const after of ["", "x", "-1 #a", "1", "1 "]) {
    assertThrows(() => pageOfRooms(all, 100, after), ChatError, "expected what an answer gave as next");
  }
});

Deno.test("who and joined list at most 500 people, and the rest on further pages (chat C2)", async () => {
  const directory = new WideDirectory();
  await using hub = createHub(directory);
  const { member: first } = await enter(hub);
  const members = [];
  for (let count = 1; count < 600; count++) members.push((await enter(hub)).member);
  directory.people = Array.from({ length: 700 }, (_, index) => ({ nick: `far${(index * 11) % 700}`, operator: false }));
  const asker = await enter(hub);
  const joined = asker.session.take().map((line) => JSON.parse(line)).find(({ type }) => type === "joined");
  assertEquals([joined.members.length, joined.more], [500, 801]);
  const room = hub.roomOf(asker.member);
  const names = new Set<string>(joined.members.map(({ nick }: Person) => nick));
  // A member that leaves moves no other out of the list.
  hub.leave(first);
  // What the next newcomer would receive: without those who left, the operator and another.
  const isListed = (nick: string | undefined) => room.people(500).members.some((person) => person.nick === nick);
  assertEquals([isListed(first.nick), isListed(members[0]?.nick)], [false, true]);
  for (const second of members.splice(0, 1)) {
    hub.leave(second);
    assertEquals(isListed(second.nick), false);
  }
  const sizes = [];
  for (let next: string | undefined = joined.next; next !== undefined;) {
    const page = room.people(500, next);
    sizes.push(page.members.length);
    for (const { nick } of page.members) names.add(nick);
    next = page.next;
  }
  assertEquals(sizes, [500, 301]);
  assertEquals(names.size, 1_301);
  for (const cursor of ["", "x", "-1", "@"]) assertThrows(() => room.people(500, cursor), ChatError);
  for (const member of members) hub.leave(member);
  hub.leave(asker.member);
});

Deno.test("newestThatFit() keeps the newest 32 Ki characters, and one message in any case (chat H5)", () => {
  const message = (seq: number, length: number): RoomMessage => ({
    type: "message",
    room: "#a",
    seq,
    epoch: "e",
    at: "",
    from: "a",
    text: "x".repeat(length),
  });
  const long = Array.from({ length: 20 }, (_, index) => message(index, 4_096));
  assertEquals(newestThatFit(long).map(({ seq }) => seq), [12, 13, 14, 15, 16, 17, 18, 19]);
  assertEquals(newestThatFit([message(1, 1), message(2, 40_000)]).map(({ seq }) => seq), [2]);
  assertEquals(newestThatFit([]), []);
  const short = Array.from({ length: 100 }, (_, index) => message(index, 10));
  assertEquals(newestThatFit(short), short);
});

/** More answers than any socket buffer holds. */
const QUESTIONS = 200;

Deno.test("a client that requests the rooms without reading is answered page by page (chat C2)", async () => {
  await using chat = await ServedChat.start("tcp");
  const crowd = await Promise.all(Array.from({ length: 3 }, () => chat.connect()));
  for (const [index, peer] of crowd.entries()) {
    for (let count = 0; count < 49; count++) {
      await peer.send(`/join r${index}-${count}`);
      await peer.send(`/topic ${"t".repeat(300)}`);
    }
    await peer.send("/msg nobody-is-called-so ready");
    while ((await peer.line())?.startsWith("! ") === false);
  }
  using asker = await chat.enterJson();
  for (let count = 0; count < QUESTIONS; count++) await asker.send({ type: "rooms", id: String(count) });
  const answers: JsonEvent[] = [];
  while (answers.length < QUESTIONS) answers.push(await asker.until("rooms"));
  assertEquals(answers.map(({ id }) => id), answers.map((_, index) => String(index)));
  const [first] = answers;
  assert(Array.isArray(first?.rooms));
  assertEquals([first.rooms.length, first.more], [100, 48]);
  await asker.send({ type: "rooms", after: first.next });
  const last = await asker.until("rooms");
  assert(Array.isArray(last.rooms));
  assertEquals([last.rooms.length, last.more, last.next], [48, undefined, undefined]);
  for (const peer of crowd) peer.close();
});

Deno.test("a client that requests long messages without reading is answered page by page (chat H5)", async () => {
  await using chat = await ServedChat.start("tcp");
  using speaker = await chat.enterJson();
  await speaker.send({ type: "join", room: "#a" });
  for (let count = 0; count < 20; count++) {
    await speaker.send({ type: "publish", room: "#a", id: `${count}`, text: `${count} ${"x".repeat(4_000)}` });
    await speaker.until("ack");
  }
  using asker = await chat.enterJson();
  await asker.send({ type: "join", room: "#a" });
  const joined = await asker.until("joined");
  assertEquals(joined.seq, 20);
  for (let count = 0; count < QUESTIONS; count++) {
    await asker.send({ type: "history", room: "#a", count: 100, id: "q" });
  }
  const seen: number[] = [];
  let answer = await asker.until("history");
  // The one that shows the recent messages has no id.
  while (answer.id === undefined) answer = await asker.until("history");
  for (let count = 1; count < QUESTIONS; count++) answer = await asker.until("history");
  for (;;) {
    assert(Array.isArray(answer.messages));
    seen.unshift(...answer.messages.map(({ seq }) => seq));
    if (answer.next === undefined) break;
    await asker.send({ type: "history", room: "#a", count: 100, before: answer.next });
    answer = await asker.until("history");
  }
  assertEquals(seen, Array.from({ length: 20 }, (_, index) => index + 1));
});
