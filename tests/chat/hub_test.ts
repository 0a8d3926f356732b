import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { FrameError, Logger } from "@parley/parley";
import { toBytes } from "../../src/base/bytes.ts";
import { ChatError } from "../../src/chat/chat_error.ts";
import type { History, RoomLog } from "../../src/chat/history.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL, jsonFormat } from "../../src/chat/event_format.ts";
import { Hub, ROOMS_PER_MEMBER } from "../../src/chat/hub.ts";
import type { Member } from "../../src/chat/member.ts";
import { createFramer } from "../../src/session/framer.ts";
import { FakeSession } from "../support/fake_session.ts";

function createHub(history: History = createMemoryHistory({ retention: { maxMessages: 100 } })): Hub {
  return new Hub({ log: Logger.of("test"), history });
}

async function enter(hub: Hub, nick: string, wire: "text" | "json" = "text") {
  const session = new FakeSession(wire === "json" ? { kind: "websocket", subprotocol: JSON_SUBPROTOCOL } : {});
  const member = hub.enter(session);
  hub.renaming.rename(member, nick);
  await hub.join(member, "#lobby");
  await turn();
  session.take();
  return { session, member };
}

/** The end of the turn, when broadcasts have left. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function say(hub: Hub, member: Member, text: string): void {
  hub.say(member, hub.roomOf(member), { text });
}

/** Stores nothing, and reads nothing, before the test lets it. */
class HeldHistory implements History {
  readonly #inner = createMemoryHistory({ retention: { maxMessages: 100 } });
  readonly #held: (() => void)[] = [];
  failure: ChatError | undefined;
  isHolding = false;

  release(): void {
    for (const work of this.#held.splice(0)) work();
  }

  async open(...args: Parameters<History["open"]>): Promise<RoomLog> {
    const log = await this.#inner.open(...args);
    const later = <T>(work: () => Promise<T>): Promise<T> =>
      this.isHolding ? new Promise((resolve) => this.#held.push(() => resolve(work()))) : work();
    return {
      get epoch() {
        return log.epoch;
      },
      get seq() {
        return log.seq;
      },
      publish: (draft, onSettled) => {
        const store = () => this.failure ? onSettled(this.failure) : log.publish(draft, onSettled);
        if (this.isHolding) this.#held.push(store);
        else store();
      },
      after: (seq, limit) => later(() => log.after(seq, limit)),
      last: (limit, upTo) => this.failure ? Promise.reject(this.failure) : later(() => log.last(limit, upTo)),
      get state() {
        return log.state;
      },
      decide: (decision) => log.decide(decision),
      close: () => log.close(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}

Deno.test("a turn's messages leave as one piece of bytes that all listeners of a wire share", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  const cy = await enter(hub, "cy");
  const bot = await enter(hub, "bot", "json");
  for (const { session } of [ann, bob, cy, bot]) session.framed.length = 0;
  say(hub, ann.member, "one");
  say(hub, ann.member, "two");
  await turn();
  assertEquals([bob.session.framed.length, cy.session.framed.length, bot.session.framed.length], [1, 1, 1]);
  assertStrictEquals(bob.session.framed[0], cy.session.framed[0]);
  assertEquals(bob.session.take().slice(-2), ["[#lobby] ann: one", "[#lobby] ann: two"]);
  assertEquals(bot.session.take().slice(-2).map((line) => JSON.parse(line).seq), [1, 2]);
});

Deno.test("the sender of a message does not receive it, but all messages of others in the same turn", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  ann.session.take();
  say(hub, ann.member, "mine");
  say(hub, bob.member, "yours");
  await turn();
  assertEquals(ann.session.take(), ["[#lobby] bob: yours"]);
  assertEquals(bob.session.take(), ["[#lobby] ann: mine"]);
});

Deno.test("a member that joins or leaves within a turn receives exactly the messages of its membership", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  const late = hub.enter(new FakeSession());
  say(hub, ann.member, "before");
  hub.part(bob.member, hub.roomOf(bob.member));
  const joining = hub.join(late, "#lobby");
  say(hub, ann.member, "after");
  await joining;
  await turn();
  assertEquals(bob.session.take(), ["[#lobby] ann: before"]);
  const heard = (late.session as FakeSession).take().filter((line) => line.startsWith("["));
  assertEquals(heard.map((line) => line.replace(/ (?:[\d-]+ )?\d\d:\d\d\]/, "]")), [
    "[#lobby] ann: before",
    "[#lobby] ann: after",
  ]);
});

Deno.test("events about a member do not overtake its messages that are still being stored", async () => {
  const history = new HeldHistory();
  await using hub = createHub(history);
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  await turn();
  bob.session.take();
  history.isHolding = true;
  say(hub, ann.member, "bye all");
  hub.leave(ann.member);
  say(hub, bob.member, "oh");
  await turn();
  assertEquals(bob.session.take(), []);
  history.release();
  await turn();
  assertEquals(bob.session.take(), ["[#lobby] ann: bye all", "* ann left #lobby"]);
});

Deno.test("live messages that arrive while the history is read are neither lost nor duplicated", async () => {
  const history = new HeldHistory();
  await using hub = createHub(history);
  const ann = await enter(hub, "ann");
  for (const text of ["1", "2", "3"]) say(hub, ann.member, text);
  const { epoch } = hub.roomOf(ann.member).log;
  const bot = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
  const member = hub.enter(bot);
  history.isHolding = true;
  const joining = hub.join(member, "#lobby", { position: { epoch, seq: 1 } });
  for (let count = 4; count <= 8; count++) {
    await turn();
    history.isHolding = false;
    say(hub, ann.member, String(count));
    history.isHolding = count < 7;
    history.release();
  }
  await joining;
  say(hub, ann.member, "9");
  await turn();
  const seqs = bot.take().map((line) => JSON.parse(line)).filter(({ type }) => type === "message").map(({ seq }) =>
    seq
  );
  assertEquals(seqs, [2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("a member that leaves while it is joining is not in the room", async () => {
  const history = new HeldHistory();
  await using hub = createHub(history);
  const session = new FakeSession();
  const member = hub.enter(session);
  history.isHolding = true;
  const joining = hub.join(member, "#dev");
  hub.leave(member);
  history.release();
  await joining;
  assertEquals([hub.memberCount, hub.rooms(9).rooms], [0, []]);
});

Deno.test("a message that cannot be stored is reported to its sender only", async () => {
  const history = new HeldHistory();
  await using hub = createHub(history);
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  await turn();
  ann.session.take();
  history.failure = new ChatError("not-stored", "The disk is full");
  say(hub, ann.member, "lost");
  await turn();
  assertEquals(ann.session.take(), ["! The disk is full"]);
  assertEquals(bob.session.take(), []);
});

Deno.test("a client whose room history cannot be read does not enter the room", async () => {
  const history = new HeldHistory();
  await using hub = createHub(history);
  const ann = await enter(hub, "ann");
  say(hub, ann.member, "hello");
  await turn();
  const member = hub.enter(new FakeSession());
  history.failure = new ChatError("not-stored", "The disk is gone");
  await assertRejects(() => hub.join(member, "#lobby"), ChatError, "The disk is gone");
  assertEquals(hub.roomOf(ann.member).people(100).members.map(({ nick }) => nick), ["ann"]);
  assertEquals(member.rooms.size, 0);
});

Deno.test("a broadcast that the framing cannot encode is left out, and the next one is delivered", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  const { append } = bob.session.framer;
  bob.session.framer = createFramer((data, isText, builder) => {
    append(data, isText, builder);
    if (toBytes(data).includes(0x58)) throw new FrameError("it holds the delimiter");
  });
  say(hub, ann.member, "X");
  await turn();
  say(hub, ann.member, "fine");
  await turn();
  assertEquals(bob.session.take().filter((line) => line.startsWith("[")), ["[#lobby] ann: fine"]);
});

Deno.test("a nick change is reported once to members who share several rooms", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  for (const { member } of [ann, bob]) await hub.join(member, "#dev");
  await turn();
  bob.session.take();
  hub.renaming.rename(ann.member, "anna");
  assertEquals(bob.session.take(), ["* ann is now anna"]);
});

Deno.test("an id belongs to the login, the claim or the address that used it first (chat H3)", async () => {
  await using hub = createHub();
  const enterFrom = async (remote: string, proof: { login?: string; claim?: string } = {}) => {
    const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL, remote });
    const member = Object.assign(hub.enter(session), proof);
    await hub.join(member, "#a");
    return member;
  };
  const publish = (member: Member, text: string) =>
    new Promise<boolean>((resolve) =>
      hub.say(member, hub.roomOf(member), { text, id: "page-1" }, ({ isDuplicate }) => resolve(isDuplicate))
    );
  const outcomes = [
    await publish(await enterFrom("10.0.0.1:1"), "by address"),
    await publish(await enterFrom("10.0.0.1:2"), "by address"),
    await publish(await enterFrom("10.0.0.2:1"), "by another"),
    await publish(await enterFrom("10.0.0.1:3", { claim: "a secret of its own" }), "by claim"),
    await publish(await enterFrom("10.0.0.3:1", { claim: "a secret of its own" }), "by claim"),
    await publish(await enterFrom("10.0.0.1:4", { login: "ann" }), "by login"),
    await publish(await enterFrom("10.0.0.4:1", { login: "Ann" }), "by login"),
    await publish(await enterFrom("[2001:db8::1]:1"), "by network"),
    await publish(await enterFrom("[2001:db8::2]:1"), "by network"),
  ];
  assertEquals(outcomes, [false, true, false, false, true, false, true, false, true]);
});

Deno.test("join() lets a member into 50 rooms, not into one more, and again once it has left one", async () => {
  await using hub = createHub();
  const { member } = await enter(hub, "ann");
  for (let room = 2; room <= ROOMS_PER_MEMBER; room++) await hub.join(member, `#room${room}`);
  assertEquals(member.rooms.size, ROOMS_PER_MEMBER);
  const error = await assertRejects(() => hub.join(member, "#one-more"), ChatError);
  assertEquals([error.code, member.rooms.size], ["too-many-rooms", ROOMS_PER_MEMBER]);
  hub.part(member, hub.roomOf(member, "#room2"));
  await hub.join(member, "#one-more");
  assertEquals(member.rooms.size, ROOMS_PER_MEMBER);
});

Deno.test("a client that has not logged in is not found, and receives no private messages", async () => {
  const authenticator = {
    verify: (name: string) => Promise.resolve({ name, roles: [] }),
  };
  const history = createMemoryHistory({ retention: { maxMessages: 100 } });
  await using hub = new Hub({ log: Logger.of("test"), history, authenticator });
  const ann = hub.enter(new FakeSession());
  await hub.admit(ann, "ann");
  const session = new FakeSession();
  const guest = hub.enter(session);
  session.take();
  const error = assertThrows(() => hub.sayPrivately(ann, guest.nick, "hello"), ChatError);
  assertEquals([error.code, session.take()], ["no-such-nick", []]);
  await hub.admit(guest, "bob");
  session.take();
  await hub.sayPrivately(ann, "bob", "hello");
  assertEquals(session.take().length, 1);
});

Deno.test("a message at any moment of a join or a resume is received once", async () => {
  for (const isMember of [false, true]) {
    for (let moment = 0; moment < 40; moment++) {
      await using hub = createHub();
      const { member: ann } = await enter(hub, "ann");
      for (const text of ["1", "2", "3"]) say(hub, ann, text);
      const session = new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL });
      const bot = hub.enter(session);
      if (isMember) await hub.join(bot, "#lobby");
      const { epoch } = hub.roomOf(ann).log;
      session.take();
      const joining = hub.join(bot, "#lobby", { position: { epoch, seq: 1 } });
      for (let turns = 0; turns < moment; turns++) await Promise.resolve();
      say(hub, ann, "4");
      await joining;
      await turn();
      const events = session.take().map((line) => JSON.parse(line));
      const seqs = events.filter(({ type }) => type === "message").map(({ seq }) => seq);
      // A member of the room receives its messages, whatever else it has requested.
      assertEquals(isMember ? seqs.sort() : seqs, [2, 3, 4], `${isMember} ${moment}`);
    }
  }
});

Deno.test("setFormat() delivers messages of the same turn once, in the old format", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  ann.session.take();
  say(hub, ann.member, "just now");
  await hub.setFormat(bob.member, jsonFormat);
  await turn();
  const [said, ...rest] = bob.session.take();
  assertEquals(said, "[#lobby] ann: just now");
  assertEquals(rest.map((line) => JSON.parse(line).type), ["welcome", "joined"]);
});

Deno.test("a member whose outbox is full is dropped by events for it, and by events of its room", async () => {
  await using hub = createHub();
  const ann = await enter(hub, "ann");
  const bob = await enter(hub, "bob");
  const cy = await enter(hub, "cy");
  bob.session.isFull = cy.session.isFull = true;
  hub.sayPrivately(ann.member, "bob", "hello");
  assertEquals([bob.session.closeReason, cy.session.closeReason], ["slow consumer", undefined]);
  say(hub, ann.member, "hello all");
  await turn();
  assertEquals([cy.session.closeReason, ann.session.closeReason], ["slow consumer", undefined]);
});

for (const name of ["den", "#den"]) {
  Deno.test(`join(${name}) while the last member leaves, which closes the room: later ones meet there`, async () => {
    for (let tasks = 0; tasks < 12; tasks++) {
      await using hub = createHub();
      const { member: leaver } = await enter(hub, "leaver");
      const { member: stayer } = await enter(hub, "stayer");
      const { member: late } = await enter(hub, "late");
      await hub.join(leaver, name);
      const joining = hub.join(stayer, name);
      for (let task = 0; task < tasks; task++) await undefined;
      hub.part(leaver, hub.roomOf(leaver, name));
      await joining;
      await hub.join(late, name);
      const names = [...hub.roomOf(late, name).members].map(({ nick }) => nick);
      assertEquals(names, ["stayer", "late"], `after ${tasks} microtasks`);
    }
  });
}

Deno.test("join() of a room that is closed again while it waits, because the client who opened it has left", async () => {
  await using hub = createHub();
  const { member: leaver } = await enter(hub, "leaver");
  const { member: stayer } = await enter(hub, "stayer");
  const { member: late } = await enter(hub, "late");
  const joining = [leaver, stayer].map((member) => hub.join(member, "#den"));
  hub.leave(leaver);
  await Promise.all(joining);
  await hub.join(late, "#den");
  assertEquals([...hub.roomOf(late).members].map(({ nick }) => nick), ["stayer", "late"]);
});
