import { assert, assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import { FakeSession } from "../support/fake_session.ts";
import { FakeTime } from "../support/fake_time.ts";

Deno.test("in a large room joins and leaves are batched, each reported once, and messages are sent at once", async () => {
  await using hub = new Hub({
    log: Logger.of("test"),
    history: createMemoryHistory({ retention: { maxMessages: 100 } }),
  });
  const members = [];
  for (let count = 0; count < 300; count++) {
    const member = hub.enter(new FakeSession());
    await hub.join(member, "#lobby");
    members.push(member);
  }
  const [first, second] = members;
  assert(first && second);
  const session = first.session as FakeSession;
  hub.say(second, hub.roomOf(second), { text: "quick" });
  hub.leave(second);
  const before = await session.sent(/quick/);
  const after = await session.sent(/guest2 left/);
  const comings = [...before, ...after].filter((line) => / joined /.test(line));
  assertEquals(comings, members.slice(1).map(({ nick }) => `* ${nick} joined #lobby`));
  assert(session.framed.length < 200, `${session.framed.length} writes for 299 who came`);
  for (const member of members) hub.leave(member);
  assertEquals([hub.memberCount, hub.rooms(9).rooms], [0, []]);
});

Deno.test("a text client that joins a large room receives 50 names and the number of the others", async () => {
  await using hub = new Hub({
    log: Logger.of("test"),
    history: createMemoryHistory({ retention: { maxMessages: 100 } }),
  });
  const members = [];
  for (let count = 0; count < 60; count++) {
    const member = hub.enter(new FakeSession());
    await hub.join(member, "#lobby");
    members.push(member);
  }
  const last = members.at(-1);
  assert(last);
  const told = await (last.session as FakeSession).sent(/You are in #lobby/);
  const names = members.slice(0, 50).map(({ nick }, index) => index === 0 ? `@${nick}` : nick);
  assertEquals(told.at(-1), `* You are in #lobby with ${names.join(", ")} and 10 more`);
  assertEquals(hub.roomOf(last).people(100).members.length, 60);
  for (const member of members) hub.leave(member);
});

/** The members of a room according to the events that a client has received since the first join. */
function peopleSeenBy(lines: readonly string[]): Set<string> {
  const people = new Set<string>();
  for (const line of lines) {
    const [, nick = "", what, to = ""] = /^\* (\S+) (joined|left|is now) ?(\S*)/.exec(line) ?? [];
    if (what === "joined") people.add(nick);
    else if (what !== undefined) people.delete(nick);
    if (what === "is now") people.add(to);
  }
  return people;
}

async function fillLobby(hub: Hub, count: number) {
  const members = [];
  for (let index = 0; index < count; index++) {
    const member = hub.enter(new FakeSession());
    await hub.join(member, "#lobby");
    members.push(member);
  }
  return members;
}

Deno.test("a member that leaves while a large room shrinks is not reported as joining afterwards (attack 1)", async () => {
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("test"), history });
  const members = await fillLobby(hub, 102);
  const [watcher, ...others] = members;
  assert(watcher);
  const session = watcher.session as FakeSession;
  // The last came as one of a crowd, and leaves when it is none any more.
  for (const member of others.slice(-4)) hub.leave(member);
  hub.say(watcher, hub.roomOf(watcher), { text: "x" });
  hub.leave(others[0] ?? watcher);
  const lines = await session.sent(new RegExp(`${others[0]?.nick} left`));
  const expected = new Set(others.slice(1, -4).map(({ nick }) => nick));
  assertEquals(peopleSeenBy(lines), expected);
  for (const member of members) hub.leave(member);
});

Deno.test("a member that joins a large room and changes its name is reported by the new name only (attack 2)", async () => {
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("test"), history });
  const members = await fillLobby(hub, 110);
  const [watcher] = members;
  assert(watcher);
  const newcomer = hub.enter(new FakeSession());
  await hub.join(newcomer, "#other");
  await hub.join(newcomer, "#lobby");
  await hub.renaming.rename(newcomer, "renamed");
  hub.leave(members[5] ?? watcher);
  const lines = await (watcher.session as FakeSession).sent(/guest6 left/);
  const people = peopleSeenBy(lines);
  assertEquals([people.has("renamed"), people.has("guest111")], [true, false]);
  for (const member of [...members, newcomer]) hub.leave(member);
});

Deno.test("a member that joins a large room receives every message, but no earlier joins (attack 9)", async () => {
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("test"), history });
  const members = await fillLobby(hub, 150);
  const [speaker] = members;
  assert(speaker);
  const newcomer = hub.enter(new FakeSession());
  await hub.join(newcomer, "#lobby");
  hub.say(speaker, hub.roomOf(speaker), { text: "welcome" });
  const later = hub.enter(new FakeSession());
  await hub.join(later, "#lobby");
  hub.say(newcomer, hub.roomOf(newcomer), { text: "thanks" });
  hub.leave(later);
  const lines = await (newcomer.session as FakeSession).sent(/guest152 left/);
  const news = lines.slice(lines.findIndex((line) => line.startsWith("* You are in #lobby")) + 1);
  assertEquals(news, ["[#lobby] guest1: welcome", "* guest152 joined #lobby", "* guest152 left #lobby"]);
  for (const member of [...members, newcomer]) hub.leave(member);
});

Deno.test("a crowd that grows gets its joins in one batch, after the delay of its final size", async () => {
  using time = new FakeTime();
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("test"), history });
  const members = await fillLobby(hub, 150);
  const [watcher] = members;
  assert(watcher);
  const session = watcher.session as FakeSession;
  const writes = session.framed.length;
  await time.advance(199);
  members.push(...await fillLobby(hub, 900));
  await time.advance(200);
  assertEquals(session.framed.length, writes, "the batch waits for as long as a crowd of 1,050 may");
  await time.advance(1);
  const lines = await session.sent(/guest1050 joined/);
  assertEquals(peopleSeenBy(lines).size, 1_049);
  assertEquals(session.framed.length, writes + 1);
  for (const member of members) hub.leave(member);
});
