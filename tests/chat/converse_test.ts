import { assert, assertEquals, assertMatch } from "@std/assert";
import { Logger } from "@parley/parley";
import { converse } from "../../src/chat/converse.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import { FakeSession } from "../support/fake_session.ts";

const DEFAULTS = { messageRate: undefined, messageBurst: 5, logInTimeoutMs: 10_000 };

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 100 } }) });
}

/** A client of another machine, and the end of its conversation. */
function arrive(hub: Hub, remote: string) {
  const session = new FakeSession({ remote });
  return { session, ended: converse(hub, session, DEFAULTS) };
}

Deno.test("converse() holds a client of another machine to 2 messages a second after 5 at once", async () => {
  await using hub = createHub();
  const ann = arrive(hub, "127.0.0.1:1");
  const bob = arrive(hub, "10.0.0.7:1");
  const startMs = performance.now();
  bob.session.say("1", "2", "3", "4", "5", "6", "7");
  await ann.session.sent(/guest2: 5$/);
  await ann.session.sent(/guest2: 7$/);
  assert(performance.now() - startMs >= 990);
  ann.session.say(...Array.from({ length: 50 }, (_, index) => `local ${index}`));
  await bob.session.sent(/local 49$/);
  for (const { session, ended } of [ann, bob]) {
    session.close("done");
    await ended;
  }
  assertEquals(hub.memberCount, 0);
});

Deno.test("a ban holds for the address, whatever the client calls itself, and for an address alone", async () => {
  await using hub = createHub();
  const ann = arrive(hub, "127.0.0.1:1");
  const bob = arrive(hub, "10.0.0.7:1");
  await bob.session.sent(/You are in #lobby/);
  ann.session.say("/ban guest2");
  await bob.session.sent(/You left #lobby \(banned by guest1\)/);
  bob.session.say("/nick innocent", "/join #lobby");
  await bob.session.sent(/^! You are banned from #lobby$/);
  const again = arrive(hub, "10.0.0.7:2");
  assertMatch((await again.session.sent(/^!/)).at(-1) ?? "", /^! You are banned from #lobby$/);
  const other = arrive(hub, "10.0.0.8:1");
  await other.session.sent(/You are in #lobby/);
  ann.session.say("/ban 10.0.0.8 1h");
  await other.session.sent(/You left #lobby/);
  ann.session.say("/unban 10.0.0.8");
  await ann.session.sent(/unbanned 10\.0\.0\.8/);
  other.session.say("/join #lobby");
  await other.session.sent(/You are in #lobby/);
  for (const { session, ended } of [ann, bob, again, other]) {
    session.close("done");
    await ended;
  }
});

Deno.test("converse() lets a client of another machine go back to all its rooms at once, and then holds it", async () => {
  await using hub = createHub();
  const session = new FakeSession({ remote: "10.0.0.7:1", kind: "websocket", subprotocol: "parley.v1" });
  const ended = converse(hub, session, DEFAULTS);
  const join = (count: number) => ({ type: "join", room: `#r${count}` });
  session.say({ type: "nick", nick: "bob" }, ...Array.from({ length: 50 }, (_, count) => join(count)));
  const startMs = performance.now();
  const told = await session.sent(/"joined","room":"#r49"/);
  assert(performance.now() - startMs < 500);
  assertEquals(told.filter((line) => line.includes('"error"')), []);
  // Ten that wait, and one too many: it is told which one that was.
  session.say(...Array.from({ length: 60 }, (_, count) => ({ type: "leave", room: "#r0", id: `${count}` })));
  const [error = ""] = (await session.sent(/too-fast/)).slice(-1);
  assertMatch(error, /"id":"\d+"/);
  session.close("done");
  await ended;
});
