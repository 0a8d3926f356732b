import { assert, assertEquals, assertMatch } from "@std/assert";
import { Logger } from "@parley/parley";
import { runChatSession } from "../../src/chat/chat_session.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { delay } from "../../src/net/wait.ts";
import { Hub } from "../../src/chat/hub.ts";
import { MessageRates } from "../../src/chat/message_rate.ts";
import { DeadlineTimer } from "../../src/net/deadline_timer.ts";
import { FakeSession } from "../support/fake_session.ts";
import { drip, FakeTime } from "../support/fake_time.ts";

function defaults() {
  return { rates: new MessageRates({ perSecond: undefined, burst: 5 }), logInTimeoutMs: 10_000 };
}

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 100 } }) });
}

/** A client of another machine, and the end of its conversation. */
function arrive(hub: Hub, remote: string, options = defaults()) {
  const session = new FakeSession({ remote });
  return { session, ended: runChatSession(hub, session, options) };
}

Deno.test("runChatSession() holds a client of another machine to 2 messages a second after 5 at once", async () => {
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

Deno.test("runChatSession() lets a client of another machine go back to all its rooms at once, and then holds it", async () => {
  await using hub = createHub();
  const session = new FakeSession({ remote: "10.0.0.7:1", kind: "websocket", subprotocol: "parley.v1" });
  const ended = runChatSession(hub, session, defaults());
  const join = (count: number) => ({ type: "join", room: `#r${count}` });
  session.say({ type: "nick", nick: "bob" }, ...Array.from({ length: 50 }, (_, count) => join(count)));
  const startMs = performance.now();
  const told = await session.sent(/"joined","room":"#r49"/);
  // At two a second it would take 20 s.
  assert(performance.now() - startMs < 5_000);
  assertEquals(told.filter((line) => line.includes('"error"')), []);
  // Ten pending requests, and one too many: the error identifies it.
  session.say(...Array.from({ length: 60 }, (_, count) => ({ type: "leave", room: "#r0", id: `${count}` })));
  const [error = ""] = (await session.sent(/too-fast/)).slice(-1);
  assertMatch(error, /"id":"\d+"/);
  session.close("done");
  await ended;
});

Deno.test("a PROXY protocol header is not published in a room (chat M1)", async () => {
  await using hub = createHub();
  const ann = arrive(hub, "127.0.0.1:1");
  for (
    const header of ["PROXY TCP4 192.0.2.1 192.0.2.2 1 2", "PROXY UNKNOWN", "PROXY TCP6 ::1 ::1 1 2\r"]
  ) {
    const proxy = arrive(hub, "127.0.0.1:2");
    proxy.session.say(header);
    await proxy.ended.catch(() => {});
    assertMatch((await proxy.session.sent(/^!/)).at(-1) ?? "", /^! Unexpected PROXY protocol header/);
  }
  ann.session.say("PROXY is a word", "done");
  const talk = arrive(hub, "127.0.0.1:3");
  talk.session.say("PROXY TCP is what I meant to say", "said");
  const heard = await ann.session.sent(/: said$/);
  assertEquals(heard.filter((line) => /PROXY (?:TCP[46]|UNKNOWN)/.test(line)), []);
  assertEquals(heard.filter((line) => line.endsWith("PROXY TCP is what I meant to say")).length, 1);
  for (const { session, ended } of [ann, talk]) {
    session.close("done");
    await ended;
  }
});

Deno.test("a member muted for flooding stays muted after reconnecting (chat M2)", async () => {
  await using hub = createHub();
  let nowMs = 0;
  const options = { ...defaults(), rates: new MessageRates({ perSecond: 1_000, burst: 1, now: () => nowMs }) };
  const flooder = arrive(hub, "10.0.0.7:1", options);
  flooder.session.say(...Array.from({ length: 40 }, (_, index) => `flood ${index}`));
  await flooder.session.sent(/^! You are sending too fast/);
  flooder.session.close("done");
  await flooder.ended;
  const again = arrive(hub, "10.0.0.7:2", options);
  again.session.say("me again");
  assertMatch(
    (await again.session.sent(/^!/)).at(-1) ?? "",
    /^! You are sending too fast: your messages are dropped for 30s/,
  );
  const other = arrive(hub, "10.0.0.8:1", options);
  other.session.say("hello");
  const heard = await again.session.sent(/: hello$/);
  assertEquals(heard.filter((line) => line.includes("me again")), []);
  nowMs += 30_000;
  again.session.say("sorry");
  await other.session.sent(/: sorry$/);
  for (const { session, ended } of [again, other]) {
    session.close("done");
    await ended;
  }
});

Deno.test("the rate limit of a room covers all its clients, and leaves other rooms alone (chat M2)", async () => {
  await using hub = createHub();
  const options = { ...defaults(), rates: new MessageRates({ perSecond: 0.01, burst: 2 }) };
  const clients = Array.from({ length: 30 }, (_, index) => arrive(hub, `10.0.${index}.1:1`, options));
  for (const { session } of clients) session.say("one", "two");
  const refusals = await Promise.all(clients.slice(20).map(({ session }) => session.sent(/^! Too many messages in/)));
  assertEquals(refusals.length, 10);
  const fresh = arrive(hub, "10.1.0.1:1", options);
  fresh.session.say("/join #other", "hello");
  const told = await Promise.race([fresh.session.sent(/^! Too much/), delay(200).then(() => [])]);
  assertEquals(told, []);
  for (const { session, ended } of [...clients, fresh]) {
    session.close("done");
    await ended;
  }
});

/** A client that is pinged every 100 ms and given 40 ms to answer, on a clock that the test turns. */
async function arrivePinged(
  hub: Hub,
  { rates = defaults().rates, remote = "127.0.0.1:1", kind = "stream" as const } = {},
) {
  let nowMs = 0;
  const deadlineTimer = new DeadlineTimer(10, () => nowMs);
  const pings = { deadlineTimer, interval: 100, timeout: 40 };
  const session = new FakeSession({ remote, kind });
  const ended = runChatSession(hub, session, { rates, logInTimeoutMs: 10_000, pings });
  await session.sent(/You are in #lobby/);
  const at = (timeMs: number) => {
    nowMs = timeMs;
    deadlineTimer.run();
  };
  return { session, ended, at, deadlineTimer };
}

/** Waits until the server has taken a request, and all before it. */
async function served(session: FakeSession): Promise<string[]> {
  session.say({ type: "rooms", id: "served" });
  return await session.sent(/"id":"served"/);
}

Deno.test("a client of the JSON wire that does not answer a ping is dropped in time, and not before (chat M8)", async () => {
  await using hub = createHub();
  const { session, ended, at, deadlineTimer } = await arrivePinged(hub);
  session.say("/mode json");
  await session.sent(/"welcome"/);
  await served(session);
  at(99);
  assertEquals(session.take().filter((line) => line.includes('"ping"')), []);
  at(100);
  await session.sent(/^\{"type":"ping"\}$/);
  at(150);
  assertEquals(session.closeReason, undefined);
  at(151);
  assertEquals(session.closeReason as string | undefined, "ping timeout");
  await ended;
  assertEquals([hub.memberCount, deadlineTimer.size], [0, 0]);
});

for (const answer of [{ type: "pong" }, { type: "pong", id: "p1" }, { type: "rooms" }, { type: "nonsense" }]) {
  Deno.test(`a client of the JSON wire that answers each ping with ${JSON.stringify(answer)} stays (chat M8)`, async () => {
    await using hub = createHub();
    const { session, ended, at, deadlineTimer } = await arrivePinged(hub);
    session.say("/mode json");
    await session.sent(/"welcome"/);
    for (let round = 1; round <= 3; round++) {
      await served(session);
      at(round * 100);
      await session.sent(/"ping"/);
      session.say(answer);
      const told = await served(session);
      assertEquals(told.filter((line) => line.includes('"done"')).length, "id" in answer ? 1 : 0);
      at(round * 100 + 99);
      assertEquals(session.closeReason, undefined);
    }
    session.close("done");
    await ended;
    assertEquals(deadlineTimer.size, 0);
  });
}

Deno.test("people on the text wire are not pinged, and not dropped (chat M8)", async () => {
  await using hub = createHub();
  const { session, ended, at } = await arrivePinged(hub);
  for (let timeMs = 100; timeMs < 2_000; timeMs += 50) at(timeMs);
  assertEquals([session.take(), session.closeReason], [[], undefined]);
  session.close("done");
  await ended;
});

Deno.test("an answer to a ping is free for a client at its rate limit, further ones are not (chat M8)", async () => {
  await using hub = createHub();
  const nowMs = 0;
  const rates = new MessageRates({ perSecond: 1_000, burst: 2, now: () => nowMs });
  const { session, ended, at } = await arrivePinged(hub, { rates, remote: "10.0.0.7:1" });
  session.say("/mode json");
  await session.sent(/"welcome"/);
  session.say(...Array.from({ length: 40 }, (_, index) => ({ type: "rooms", id: `${index}` })));
  await session.sent(/too-fast.*"id":"39"/);
  at(100);
  await session.sent(/"ping"/);
  session.say({ type: "pong", id: "asked" }, { type: "pong", id: "unasked" });
  assertEquals(await session.sent(/unasked/), [
    '{"type":"done","id":"asked"}',
    '{"type":"error","code":"too-fast","text":"You are sending too fast: your messages are dropped for 30s","id":"unasked"}',
  ]);
  at(199);
  assertEquals(session.closeReason, undefined);
  session.close("done");
  await ended;
});

Deno.test("a member muted for flooding that loses its connection may rejoin its rooms (chat M2)", async () => {
  await using hub = createHub();
  const nowMs = 0;
  const options = { ...defaults(), rates: new MessageRates({ perSecond: 1_000, burst: 1, now: () => nowMs }) };
  const flooder = arrive(hub, "10.0.0.7:1", options);
  flooder.session.say(...Array.from({ length: 40 }, (_, index) => `flood ${index}`));
  await flooder.session.sent(/^! You are sending too fast/);
  flooder.session.close("done");
  await flooder.ended;
  const again = arrive(hub, "10.0.0.7:2", options);
  again.session.say("/join #dev", "hello");
  await again.session.sent(/You are in #dev/);
  await again.session.sent(/^! You are sending too fast/);
  again.session.close("done");
  await again.ended;
});

Deno.test("a reason has at most 300 characters (TOPIC_LENGTH), on the text wire too (attack 5)", async () => {
  await using hub = createHub();
  const ann = arrive(hub, "127.0.0.1:1");
  const bob = arrive(hub, "10.0.0.7:1");
  await bob.session.sent(/You are in #lobby/);
  for (const command of ["/kick", "/ban", "/ban 10m"]) {
    const [name, ...time] = command.split(" ");
    ann.session.say([name, "guest2", ...time, "x".repeat(301)].join(" "));
    await ann.session.sent(/^! A reason has at most 300 characters/);
  }
  ann.session.say(`/kick guest2 ${"x".repeat(300)}`);
  await bob.session.sent(/^\* You left #lobby/);
  for (const { session, ended } of [ann, bob]) {
    session.close("done");
    await ended;
  }
});

Deno.test("entering rooms over ever new connections is not free without end (attack 6)", async () => {
  await using hub = createHub();
  const nowMs = 0;
  const options = { ...defaults(), rates: new MessageRates({ perSecond: 1_000, burst: 1, now: () => nowMs }) };
  const counts: number[] = [];
  for (let index = 0; index < 8; index++) {
    const session = new FakeSession({
      remote: `10.0.0.7:${index + 1}`,
      kind: "websocket",
      subprotocol: "parley.v1",
    });
    const ended = runChatSession(hub, session, options);
    session.say(...Array.from({ length: 50 }, (_, room) => ({ type: "join", room: `#r${room}`, id: `${room}` })));
    const lines = await session.sent(/"id":"49"/);
    counts.push(lines.filter((line) => line.startsWith('{"type":"joined"')).length);
    session.close("done");
    await ended;
  }
  // As many as five clients may be in, then as many as their rate allows until they are muted.
  assertEquals(counts.slice(0, 5), [50, 50, 50, 50, 50]);
  assert(counts.slice(5).every((count) => count < 20), String(counts));
});

for (
  const [what, first, line] of [
    ["says nothing", undefined, undefined],
    ["types lines", undefined, "/who"],
    ["sends requests", "/mode json", '{"type":"rooms"}'],
  ] as const
) {
  Deno.test(`a client that ${what} in place of a login is closed at the deadline, and one that logs in is not`, async () => {
    using time = new FakeTime();
    const authenticator = { verify: (name: string) => Promise.resolve({ name, roles: [] }) };
    const history = createMemoryHistory({ retention: { maxMessages: 100 } });
    await using hub = new Hub({ log: Logger.of("test"), history, authenticator });
    const options = { ...defaults(), logInTimeoutMs: 1_000 };
    const bob = arrive(hub, "127.0.0.1:1", options);
    bob.session.say("/login bob pw");
    const guest = arrive(hub, "127.0.0.1:2", options);
    if (first !== undefined) guest.session.say(first);
    const givenMs = await drip(time, {
      everyMs: 50,
      send: () => line !== undefined && guest.session.say(line),
      ended: guest.ended,
      maxMs: 5_000,
    });
    assert(givenMs >= 1_000 && givenMs <= 1_100, `it was given ${givenMs} ms`);
    assertEquals(guest.session.closeReason, "log-in timeout");
    assertMatch(guest.session.take().at(-1) ?? "", /Login timed out/);
    assertEquals(bob.session.closeReason, undefined);
    bob.session.close("done");
    await bob.ended;
  });
}

Deno.test("a client whose login has timed out stays until it has been told why", async () => {
  using time = new FakeTime();
  const authenticator = { verify: () => Promise.resolve(undefined) };
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("test"), history, authenticator });
  const { session, ended } = arrive(hub, "127.0.0.1:1", { ...defaults(), logInTimeoutMs: 1_000 });
  const reasons: unknown[] = [];
  const finished = Promise.withResolvers<void>();
  session.finish = (reason) => {
    reasons.push(reason);
    return finished.promise;
  };
  await time.advance(1_000);
  assertEquals([reasons, hub.memberCount], [["log-in timeout"], 1]);
  finished.resolve();
  await ended;
  assertEquals(hub.memberCount, 0);
});

Deno.test("all connections of a login share its rate, whichever way they have logged in", async () => {
  await using hub = createHub();
  const rates = new MessageRates({ perSecond: 1_000, burst: 2, now: () => 0 });
  const enter = (remote: string) => {
    const session = new FakeSession({ remote, identity: { name: "bob", roles: [] } });
    return { session, ended: runChatSession(hub, session, { rates, logInTimeoutMs: 10_000 }) };
  };
  const flooder = enter("10.0.0.1:1");
  flooder.session.say(...Array.from({ length: 40 }, (_, index) => `flood ${index}`));
  await flooder.session.sent(/^! You are sending too fast/);
  const other = enter("10.0.0.2:1");
  other.session.say("me too");
  await other.session.sent(/^! You are sending too fast/);
  for (const { session, ended } of [flooder, other]) {
    session.close("done");
    await ended;
  }
});
