import { assert, assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import { FakeSession } from "../support/fake_session.ts";

Deno.test("in a crowd those who come and go are told together, each once, and messages at once", async () => {
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

Deno.test("who joins a crowd is told 50 names and how many more there are, on the text wire", async () => {
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
