/** Every limit of the chat at N, where it is kept, and at N + 1. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Logger } from "@parley/parley";
import { ChatError } from "../../src/chat/chat_error.ts";
import { runChatSession } from "../../src/chat/chat_session.ts";
import { checkLine, checkText } from "../../src/chat/clean_text.ts";
import { expiryClock } from "../../src/chat/expiry_clock.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { Hub } from "../../src/chat/hub.ts";
import { idOf, parseRequest } from "../../src/chat/json_request.ts";
import { MessageRate, MessageRates } from "../../src/chat/message_rate.ts";
import { setIgnored } from "../../src/chat/moderation.ts";
import { checkNick, checkRoom } from "../../src/chat/names.ts";
import { Restrictions } from "../../src/chat/restrictions.ts";
import { FakeSession } from "../support/fake_session.ts";

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 9 } }) });
}

/** The code of the error, `undefined` where there is none. */
function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    assert(error instanceof ChatError, String(error));
    return error.code;
  }
}

/** What must be accepted at its limit, and rejected one beyond it. */
const LIMITS: readonly (readonly [what: string, max: number, use: (length: number) => unknown, code: string])[] = [
  ["characters of a message", 4_096, (length) => checkText("x".repeat(length)), "too-long"],
  ["characters of a message as it is shown", 1_024, (length) => checkText("\x1b".repeat(length)), "too-long"],
  ["lines of a message", 100, (length) => checkText(Array(length).fill("x").join("\n")), "too-long"],
  ["characters of a topic", 300, (length) => checkLine("topic", "x".repeat(length)), "too-long"],
  [
    "characters of a reason as it is shown",
    75,
    (length) => checkLine("reason", `${"\x1b".repeat(length)}`),
    "too-long",
  ],
  ["characters of a name", 32, (length) => checkNick("x".repeat(length)), "bad-nick"],
  ["characters of a room's name", 48, (length) => checkRoom("x".repeat(length)), "bad-room"],
  ["characters of an id", 128, (length) => parseRequest({ type: "quit", id: "x".repeat(length) }), "bad-request"],
  [
    "characters of a claim",
    128,
    (length) => parseRequest({ type: "join", room: "#a", claim: "x".repeat(length) }),
    "bad-request",
  ],
  [
    "messages of one answer (MAX_HISTORY)",
    100,
    (count) => parseRequest({ type: "history", room: "#a", count }),
    "bad-request",
  ],
];

for (const [what, max, use, code] of LIMITS) {
  Deno.test(`at most ${max} ${what}`, () => {
    assertEquals([codeOf(() => use(max)), codeOf(() => use(max + 1))], [undefined, code]);
  });
}

Deno.test("a claim has at least 16 characters", () => {
  const join = (length: number) => parseRequest({ type: "join", room: "#a", claim: "x".repeat(length) });
  assertEquals([codeOf(() => join(16)), codeOf(() => join(15))], [undefined, "bad-request"]);
});

Deno.test("an error repeats an id of at most 128 characters", () => {
  const repeated = [128, 129].map((length) => idOf({ id: "x".repeat(length) })?.length);
  assertEquals([...repeated, idOf({ id: 7 }), idOf(undefined), idOf(null)], [128, ...Array(4).fill(undefined)]);
});

Deno.test("a member ignores at most 100 people (MAX_IGNORED), and another once it no longer ignores one", async () => {
  await using hub = createHub();
  const session = new FakeSession();
  const member = hub.enter(session);
  const people = Array.from({ length: 101 }, () => hub.enter(new FakeSession()));
  const ignore = (index: number, isIgnored = true) =>
    setIgnored(isIgnored, { hub, member, subject: people[index]?.nick ?? "" });
  for (let index = 0; index < 100; index++) ignore(index);
  const error = assertThrows(() => ignore(100), ChatError);
  assertEquals([error.code, error.message], ["bad-request", "You ignore 100 people, the maximum: /unignore one first"]);
  ignore(7, false);
  ignore(100);
  session.take();
  for (const index of [0, 7, 100]) hub.sayPrivately(people[index] ?? member, member.nick, `from ${index}`);
  assertEquals(session.take().map((line) => line.split(": ")[1]), ["from 7"]);
});

Deno.test("a conversation ends with the 1,001st line in a row that is refused (MAX_REFUSED)", async () => {
  for (const isInterrupted of [false, true]) {
    await using hub = createHub();
    const session = new FakeSession();
    const options = { rates: new MessageRates({ perSecond: 0, burst: 5 }), logInTimeoutMs: 10_000 };
    const ended = runChatSession(hub, session, options).then(() => "in order", (error) => error.name);
    const refused = (count: number) => Array.from({ length: count }, () => "/nonsense");
    session.say(...refused(1_000), ...isInterrupted ? ["/who"] : [], ...refused(1));
    if (isInterrupted) {
      await session.idle();
      session.close("done");
    }
    assertEquals(await ended, isInterrupted ? "in order" : "FrameError");
    assertEquals(session.take().filter((line) => line.startsWith("! ")).length, 1_001);
  }
});

Deno.test("a ban ends at its time, not a millisecond before", () => {
  let nowMs = 0;
  const restrictions = new Restrictions(() => nowMs);
  restrictions.add({ kind: "ban", subject: "bob", untilMs: 1_000 });
  const found = () => [restrictions.find("ban", ["bob"]) !== undefined, restrictions.list().length];
  nowMs = 999;
  assertEquals(found(), [true, 1]);
  nowMs = 1_000;
  assertEquals(restrictions.list().length, 0);
  assertEquals([restrictions.size, restrictions.find("ban", ["bob"]), restrictions.size], [1, undefined, 0]);
});

Deno.test("expiryClock() is never ahead of the clock, and at most twice as fast as time", () => {
  let [nowMs, monotonicMs] = [1_000, 0];
  const clock = expiryClock({ now: () => nowMs, monotonicNow: () => monotonicMs });
  const at = (wall: number, monotonic: number) => {
    [nowMs, monotonicMs] = [wall, monotonic];
    return clock();
  };
  const readings = [at(1_000, 0), at(1_100, 100), at(9_000, 200), at(9_000, 300), at(500, 400), at(600, 500)];
  assertEquals(readings, [1_000, 1_100, 1_300, 1_500, 500, 600]);
});

Deno.test("MessageRate forgets that messages had to wait after as many in a row that had not", () => {
  let nowMs = 0;
  const rate = new MessageRate({ burst: 2, perSecond: 1, now: () => nowMs });
  /** Lets `count` messages wait in turn. */
  const delays = (count: number) => {
    for (let index = 0; index < count; index++) nowMs += rate.take();
  };
  assertEquals([rate.take(), rate.take()], [0, 0]);
  assertEquals([rate.isFresh, rate.isMuted], [false, false]);
  delays(9);
  // One that need not wait is no pause.
  nowMs += 1_000;
  assertEquals(rate.take(), 0);
  delays(1);
  nowMs += 2_000;
  assertEquals([rate.take(), rate.take()], [0, 0]);
  delays(10);
  assertEquals(rate.isMuted, false);
  rate.take();
  assertEquals(rate.isMuted, true);
  nowMs += 29_999;
  assertEquals([rate.isMuted, rate.mutedText], [true, "1s"]);
  nowMs += 1;
  assertEquals([rate.isMuted, rate.isFresh], [false, true]);
});

Deno.test("MessageRates remembers the rates of 10,000 clients that have left (MAX_PARKED), the latest", () => {
  const rates = new MessageRates({ perSecond: 1, burst: 1, now: () => 0 });
  const visit = (index: number) => {
    using rate = rates.enter(`10.${index >> 16}.${index >> 8 & 255}.${index & 255}`);
    return rate?.take();
  };
  for (let index = 0; index <= 10_000; index++) assertEquals(visit(index), 0);
  // The first is unknown, and the second has already sent something.
  assertEquals(visit(1), 1_000);
  const again = visit(0);
  assertEquals(again, 0);
});

Deno.test("a client enters 50 rooms for free, not one more", () => {
  const rates = new MessageRates({ perSecond: 1, burst: 1, now: () => 0 });
  using rate = rates.enter("192.0.2.1");
  const free = Array.from({ length: 51 }, () => rate?.takeJoin());
  assertEquals([free.filter((isFree) => isFree).length, free.at(-1)], [50, false]);
});

Deno.test("answers wait for a member with more than 64 KiB to read (HIGH_WATER_BYTES)", async () => {
  await using hub = createHub();
  const session = new FakeSession();
  const member = hub.enter(session);
  session.queuedBytes = 64 * 1024;
  assertEquals(member.drained(), undefined);
  session.queuedBytes++;
  assert(member.drained() instanceof Promise);
});

Deno.test("a room keeps 1,000 events for a member that catches up (MAX_HELD), then drops it", async () => {
  for (const count of [1_000, 1_001]) {
    await using hub = createHub();
    const first = hub.enter(new FakeSession());
    await hub.join(first, "#a");
    const room = hub.roomOf(first);
    const session = new FakeSession();
    const entered = Promise.withResolvers<void>();
    const joining = room.join(hub.enter(session), { entered: entered.promise });
    session.take();
    for (let index = 0; index < count; index++) {
      room.broadcast({ type: "topic", room: "#a", topic: `topic ${index}` });
      if (index % 2 === 0) room.flush();
    }
    room.flush();
    assertEquals(session.closeReason, count > 1_000 ? "slow consumer" : undefined);
    entered.resolve();
    await joining;
    const topics = session.take().filter((line) => /topic \d/.test(line));
    assertEquals(topics.length, count > 1_000 ? 0 : 1_000);
  }
});

Deno.test("a history in memory keeps 10,000 rooms by default (MAX_ROOMS), without the one that was empty longest", async () => {
  await using history = createMemoryHistory({ retention: { maxMessages: 9 } });
  const visit = async (index: number) => {
    const room = await history.open(`#r${index}`, () => {});
    const { seq } = room;
    await new Promise((resolve) => room.publish({ from: "ann", text: "x" }, resolve));
    room.close();
    return seq;
  };
  for (let index = 0; index < 10_000; index++) await visit(index);
  assertEquals(await visit(0), 1);
  await visit(10_000);
  assertEquals([await visit(0), await visit(2), await visit(1)], [2, 1, 0]);
});
