import { assert, assertEquals, assertRejects } from "@std/assert";
import { Logger } from "@parley/parley";
import { ChatError } from "../../../src/chat/chat_error.ts";
import { Hub } from "../../../src/chat/hub.ts";
import type { Member } from "../../../src/chat/member.ts";
import { LOST } from "../../../src/chat/nats/heartbeat.ts";
import { Table } from "../../../src/chat/nats/table.ts";
import { FakeSession } from "../../support/fake_session.ts";
import { joinHub, joinTestCluster, SHORT_LEASE_MS, startTwo } from "../../support/nats_cluster.ts";
import { NatsServer } from "../../support/nats_server.ts";
import { SeverableProxy } from "../../support/severable_proxy.ts";
import { toolTest } from "../../support/tools.ts";

interface Person {
  readonly hub: Hub;
  readonly member: Member;
  readonly session: FakeSession;
}

async function enter(hub: Hub, nick: string, room = "#lobby"): Promise<Person> {
  const session = new FakeSession();
  const member = hub.enter(session);
  await hub.renaming.rename(member, nick);
  await hub.join(member, room);
  await session.sent(/^\* You are in/);
  return { hub, member, session };
}

function people({ hub, member }: Person): string[] {
  return hub.roomOf(member).people(100).members.map(({ nick, operator }) => operator ? `@${nick}` : nick).sort();
}

function say({ hub, member }: Person, text: string): void {
  hub.say(member, hub.roomOf(member), { text });
}

/** Waits for a state that is not reported: that a list is as expected. */
async function untilPeople(person: Person, isRight: (people: string) => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (isRight(people(person).join())) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the people are ${people(person).join()}`);
}

/** All events up to the other member's message. */
async function heardUntil(from: Person, to: Person, text: string): Promise<string[]> {
  say(from, text);
  return await to.session.sent(new RegExp(`: ${text}$`));
}

const SHORT_LEASE = { leaseMs: SHORT_LEASE_MS };

/** A server that reaches NATS over a line that can be cut. */
async function joinOverProxy(
  nats: NatsServer,
  extras: { readonly leaseMs?: number } = {},
): Promise<{ hub: Hub; proxy: SeverableProxy } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(new SeverableProxy(Number(new URL(nats.url).port)));
  const hub = stack.use(await joinHub(`nats://127.0.0.1:${proxy.port}`, extras));
  const whole = stack.move();
  return { hub, proxy, [Symbol.asyncDispose]: () => whole[Symbol.asyncDispose]() };
}

toolTest("nats-server", "two servers claim one name at the same time: one wins, the other is notified", async () => {
  await using hubs = await startTwo();
  for (let round = 0; round < 20; round++) {
    const names = await Promise.allSettled([hubs.left, hubs.right].map(async (hub) => {
      const member = hub.enter(new FakeSession());
      try {
        await hub.renaming.rename(member, `Round${round}`);
      } catch (error) {
        hub.leave(member);
        throw error;
      }
    }));
    const refused = names.filter((outcome) => outcome.status === "rejected");
    assertEquals(refused.length, 1, `round ${round}`);
    assertEquals(refused[0]?.reason.message, `The name Round${round} is taken`);
  }
});

toolTest("nats-server", "two users enter a new room on two servers at the same time: one is its operator", async () => {
  await using hubs = await startTwo();
  const ann = await enter(hubs.left, "ann");
  const bob = await enter(hubs.right, "bob");
  for (let round = 0; round < 20; round++) {
    const room = `#r${round}`;
    await Promise.all([ann, bob].map(({ hub, member }) => hub.join(member, room)));
    for (const one of [ann, bob]) await untilPeople(one, (list) => list === "@ann,bob" || list === "@bob,ann");
    assertEquals(people(ann), people(bob), `round ${round}`);
    for (const { hub, member } of [ann, bob]) hub.part(member, hub.roomOf(member, room));
  }
});

toolTest(
  "nats-server",
  "a server is lost: its users leave after the lease, reported once, and their names are free",
  async () => {
    await using nats = await NatsServer.start();
    const { history, directory } = await joinTestCluster(nats.url, SHORT_LEASE);
    const lost = new Hub({ log: Logger.of("test"), history, directory });
    await using other = await joinHub(nats.url, SHORT_LEASE);
    await using third = await joinHub(nats.url, SHORT_LEASE);
    const ann = await enter(lost, "ann");
    const cy = await enter(lost, "cy");
    const bob = await enter(other, "bob");
    const dan = await enter(third, "dan");
    for (const one of [bob, dan]) await untilPeople(one, (list) => list === "@ann,bob,cy,dan");
    // Without a goodbye, as with kill -9.
    await history[Symbol.asyncDispose]();
    const startMs = performance.now();
    for (const one of [bob, dan]) {
      const gone = await one.session.sent(/left #lobby/);
      gone.push(...await one.session.sent(/left #lobby/));
      assertEquals(gone.filter((line) => line.includes("left")).sort(), [
        "* ann left #lobby (its server is lost)",
        "* cy left #lobby (its server is lost)",
      ]);
    }
    const tookMs = performance.now() - startMs;
    assert(tookMs >= SHORT_LEASE_MS * 0.5, `${tookMs} ms`);
    await other.renaming.rename(bob.member, "ann");
    const told = await heardUntil(bob, dan, "done");
    assertEquals(told, ["* bob is now ann", told.at(-1) ?? ""]);
    assertEquals(people(dan), ["ann", "dan"]);
    for (const { member } of [ann, cy]) lost.leave(member);
  },
);

toolTest("nats-server", "a name of a lost server that could not be freed is freed at a later heartbeat", async () => {
  await using nats = await NatsServer.start();
  const { history, directory } = await joinTestCluster(nats.url, SHORT_LEASE);
  const lost = new Hub({ log: Logger.of("test"), history, directory });
  await using other = await joinHub(nats.url, SHORT_LEASE);
  const ann = await enter(lost, "ann");
  const bob = await enter(other, "bob");
  await untilPeople(bob, (list) => list === "@ann,bob");
  const writes: string[] = [];
  const freed = Promise.withResolvers<void>();
  const { put } = Table.prototype;
  Table.prototype.put = async function (key, value, revision) {
    if (!JSON.stringify(value).includes(LOST)) return await put.call(this, key, value, revision);
    writes.push(key);
    if (writes.length === 1) throw new Error("NATS does not answer");
    const written = await put.call(this, key, value, revision);
    freed.resolve();
    return written;
  };
  try {
    // Without a goodbye, as with kill -9.
    await history[Symbol.asyncDispose]();
    await freed.promise;
  } finally {
    Table.prototype.put = put;
  }
  assertEquals(writes[1], writes[0]);
  assertEquals(await bob.session.sent(/left/), ["* ann left #lobby (its server is lost)"]);
  lost.leave(ann.member);
});

toolTest("nats-server", "a guest's generated name differs from every chosen name", async () => {
  await using hubs = await startTwo();
  const first = hubs.left.enter(new FakeSession());
  const [, tag] = /^guest1-(.{4})$/.exec(first.nick) ?? [];
  await hubs.left.renaming.rename(first, `guest2-${tag}`);
  const other = await enter(hubs.right, `guest3-${tag}`);
  await hubs.left.join(first, "#lobby");
  await other.session.sent(/joined/);
  assertEquals(hubs.left.enter(new FakeSession()).nick, `guest4-${tag}`);
});

toolTest("nats-server", "a server shuts down: its users leave at once", async () => {
  await using nats = await NatsServer.start();
  await using other = await joinHub(nats.url);
  const bob = await enter(other, "bob");
  {
    await using ending = await joinHub(nats.url);
    await enter(ending, "ann");
    await bob.session.sent(/^\* ann joined/);
  }
  assertEquals(await bob.session.sent(/left/), ["* ann left #lobby (its server ended)"]);
  await other.renaming.rename(bob.member, "ann");
});

toolTest(
  "nats-server",
  "NATS is unreachable for longer than a lease: nobody is considered offline, and names stay",
  async () => {
    await using hubs = await startTwo(SHORT_LEASE);
    const ann = await enter(hubs.left, "ann");
    const bob = await enter(hubs.right, "bob");
    await ann.session.sent(/bob joined/);
    await hubs.nats.kill();
    await new Promise((resolve) => setTimeout(resolve, SHORT_LEASE_MS * 1.5));
    await hubs.nats.restart();
    assertEquals((await heardUntil(ann, bob, "again")).length, 1);
    // The same time again: heartbeats arrive on both sides.
    await new Promise((resolve) => setTimeout(resolve, SHORT_LEASE_MS * 1.5));
    assertEquals((await heardUntil(bob, ann, "still")).length, 1);
    for (const one of [ann, bob]) await untilPeople(one, (list) => list === "@ann,bob");
    await assertRejects(
      async () => await hubs.right.renaming.rename(bob.member, "ANN"),
      ChatError,
      "The name ann is taken",
    );
  },
);

toolTest(
  "nats-server",
  "NATS loses all data: every user is registered again, except those who left meanwhile",
  async () => {
    await using hubs = await startTwo(SHORT_LEASE);
    const ann = await enter(hubs.left, "ann");
    const bob = await enter(hubs.right, "bob");
    const cy = await enter(hubs.right, "cy");
    await ann.session.sent(/cy joined/);
    await hubs.nats.kill();
    await hubs.nats.clear();
    hubs.right.leave(cy.member);
    await bob.session.sent(/cy left/);
    await hubs.nats.restart();
    assertEquals(await ann.session.sent(/left/), ["* cy left #lobby (its server is lost)"]);
    for (const one of [ann, bob]) await untilPeople(one, (list) => list === "@ann,bob");
    assertEquals(await heardUntil(ann, bob, "again").then((lines) => lines.length), 1);
    await assertRejects(
      async () => await hubs.right.renaming.rename(bob.member, "ANN"),
      ChatError,
      "The name ann is taken",
    );
  },
);

for (const how of ["sever", "freeze"] as const) {
  toolTest("nats-server", `a server is cut off (${how}) and reconnects: its users are online again`, async () => {
    await using nats = await NatsServer.start();
    await using cut = await joinOverProxy(nats, SHORT_LEASE);
    await using other = await joinHub(nats.url, SHORT_LEASE);
    const ann = await enter(cut.hub, "ann");
    const cy = await enter(cut.hub, "cy");
    const bob = await enter(other, "bob");
    await ann.session.sent(/bob joined/);
    cut.proxy[how]();
    const gone = [...await bob.session.sent(/left/), ...await bob.session.sent(/left/)];
    assertEquals(gone.sort(), ["* ann left #lobby (its server is lost)", "* cy left #lobby (its server is lost)"]);
    // The name was taken meanwhile: its new owner keeps it.
    await other.renaming.rename(bob.member, "ann");
    cut.proxy.mend();
    const told = (await ann.session.sent(/^\* You are ann_2 now/)).at(-1);
    assertEquals(
      told,
      "* You are ann_2 now: someone on another server took the name ann while this one was cut off",
    );
    const back = [...await bob.session.sent(/joined/), ...await bob.session.sent(/joined/)];
    assertEquals(back.filter((line) => line.includes("joined")).sort(), [
      "* ann_2 joined #lobby",
      "* cy joined #lobby",
    ]);
    for (const one of [ann, cy, bob]) await untilPeople(one, (list) => list === "@ann_2,ann,cy");
  });
}

toolTest(
  "nats-server",
  "while NATS is unreachable a user can enter an open room, but not claim a name or change a room",
  async () => {
    await using hubs = await startTwo();
    const ann = await enter(hubs.left, "ann");
    await enter(hubs.right, "bob");
    await ann.session.sent(/bob joined/);
    await hubs.nats.kill();
    const late = hubs.right.enter(new FakeSession());
    await hubs.right.join(late, "#lobby");
    assertEquals(hubs.right.roomOf(late).name, "#lobby");
    const refusals = [
      hubs.right.renaming.rename(late, "late"),
      hubs.left.roomOf(ann.member).log.decide({ action: "topic", by: "ann", topic: "x" }),
      hubs.left.sayPrivately(ann.member, "bob", "hi"),
    ].map((work) => assertRejects(async () => await work, ChatError));
    for (const { code } of await Promise.all(refusals)) assertEquals(code, "not-stored");
    await hubs.nats.restart();
    await ann.session.sent(new RegExp(`^\\* ${late.nick} joined #lobby$`));
    await hubs.right.renaming.rename(late, "late");
    await ann.session.sent(/is now late$/);
  },
);

toolTest(
  "nats-server",
  "a client from a faster server resumes on a slower one once that has caught up",
  async () => {
    await using nats = await NatsServer.start();
    await using cut = await joinOverProxy(nats);
    await using other = await joinHub(nats.url);
    const ann = await enter(cut.hub, "ann");
    const bob = await enter(other, "bob");
    await heardUntil(bob, ann, "first");
    const room = other.roomOf(bob.member);
    cut.proxy.freeze();
    const told = Promise.withResolvers<number>();
    other.say(bob.member, room, { text: "ahead" }, ({ seq }) => told.resolve(seq));
    const position = { epoch: room.log.epoch, seq: await told.promise };
    const session = new FakeSession({ kind: "websocket", subprotocol: "parley.v1" });
    const joining = cut.hub.join(cut.hub.enter(session), "#lobby", { position });
    cut.proxy.mend();
    await joining;
    const events = session.take().map((line) => JSON.parse(line));
    assertEquals(events.find(({ type }) => type === "joined")?.resumed, true);
    assertEquals(events.filter(({ type }) => type === "message" || type === "unrecovered"), []);
  },
);
