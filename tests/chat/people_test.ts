import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Authenticator } from "../../src/guard/authenticator.ts";
import { ChatError } from "../../src/chat/chat_error.ts";
import { readInput } from "../../src/chat/input.ts";
import { handleText } from "../../src/chat/text_input.ts";
import type { Hub } from "../../src/chat/hub.ts";
import type { Member } from "../../src/chat/member.ts";
import { FakeSession } from "../support/fake_session.ts";
import { type Hubs, startAlone, startTwo } from "../support/nats_cluster.ts";
import { toolTest } from "../support/tools.ts";

/** The same suite for one server, and for two of a cluster where the people are on either. */
const CHATS: Readonly<Record<string, () => Promise<Hubs>>> = {
  "one server": () => startAlone(),
  "two servers": () => startTwo(),
};

/** Someone in the chat, as it is seen from outside. */
interface Person {
  readonly member: Member;
  readonly session: FakeSession;
  /** Types a line; a refusal is thrown. */
  does(line: string): Promise<void>;
  /** Waits for a line, and takes all up to it. */
  sees(pattern: RegExp): Promise<string[]>;
}

/** The ways of one of the hubs: to enter, and to be seen by all of them. */
function personOf(hubs: Hubs, hub: Hub, remote?: string): Person {
  const session = new FakeSession(remote === undefined ? {} : { remote });
  const member = hub.enter(session);
  return {
    member,
    session,
    async does(line) {
      await handleText(hub, member, readInput(new TextEncoder().encode(line), member.format));
      if (/^\/(join|login|nick) /.test(line)) await untilSeen(hubs, member);
    },
    sees: (pattern) => session.sent(pattern),
  };
}

/** Waits until every server lists a member under its name in its rooms, which only local members are notified of. */
async function untilSeen({ left, right }: Hubs, { nick, rooms }: Member): Promise<void> {
  await until(`${nick} is seen everywhere`, () =>
    [left, right].every((hub) => {
      const person = hub.findPerson(nick);
      return person?.nick === nick && [...rooms.keys()].every((key) => person.rooms.has(key));
    }));
}

/** Waits for a state that the servers of a cluster do not report to their members. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`it did not come about that ${what}`);
}

async function enter(hubs: Hubs, side: "left" | "right", nick: string, room = "#lobby", remote?: string) {
  const person = personOf(hubs, hubs[side], remote);
  await person.does(`/nick ${nick}`);
  await person.does(`/join ${room}`);
  return person;
}

async function who(person: Person): Promise<string[]> {
  await person.does("/who");
  const line = (await person.sees(/^\* In #/)).at(-1) ?? "";
  return line.replace(/^\* In #\S+: /, "").split(", ").sort();
}

for (const [name, start] of Object.entries(CHATS)) {
  const test = (what: string, run: (hubs: Hubs) => Promise<void>) => {
    const define = name === "two servers" ? toolTest.bind(undefined, "nats-server") : Deno.test;
    define(`${name}: ${what}`, async () => {
      await using hubs = await start();
      await run(hubs);
    });
  };

  test("a name belongs to one user, whatever its case, and is free again after the user leaves", async (hubs) => {
    const ann = await enter(hubs, "left", "Ann");
    const bob = await enter(hubs, "right", "bob");
    const error = await assertRejects(() => bob.does("/nick aNN"), ChatError, "The name Ann is taken");
    assertEquals(error.code, "nick-taken");
    await bob.does("/nick Bob");
    await ann.sees(/^\* bob is now Bob$/);
    hubs.left.leave(ann.member);
    await bob.sees(/^\* Ann left #lobby$/);
    await bob.does("/nick ann");
    const cy = await enter(hubs, "left", "BOB");
    assertEquals(await who(cy), ["BOB", "ann"]);
  });

  test("a name that looks like another is taken too, but is not that person's (chat L1)", async (hubs) => {
    const bob = await enter(hubs, "left", "Ivan");
    const eve = await enter(hubs, "right", "eve");
    for (const alike of ["lvan", "IVAN", "1van", "\uff29van"]) {
      const error = await assertRejects(() => eve.does(`/nick ${alike}`), ChatError, "taken");
      assertEquals(error.code, "nick-taken");
    }
    await assertRejects(() => eve.does("/msg lvan hello"), ChatError, "No such user: lvan");
    await eve.does("/msg ivan hello");
    await bob.sees(/^\[private\] eve to Ivan: hello$/);
    await bob.does("/ignore eve");
    await eve.does("/nick \u0435\u0443\u0435");
    await bob.sees(/^\* eve is now \u0435\u0443\u0435$/);
    await bob.does("/ban \u0435\u0443\u0435");
    await eve.sees(/^\* You left #lobby/);
    await eve.does("/nick dan");
    await assertRejects(() => enter(hubs, "right", "eye"), ChatError, "You are banned from #lobby");
    await bob.does("/unban EYE");
    await enter(hubs, "left", "Eve");
  });

  test("a newcomer gets no name that looks like another's (attack 10)", async (hubs) => {
    const [left, right] = [personOf(hubs, hubs.left), personOf(hubs, hubs.right)];
    // The names that the next guests would get, with a letter in place of a digit.
    const alike = [left, right].map(({ member: { nick } }) => nick.replace(/guest\d+/, "guestlO"));
    await left.does(`/nick ${alike[0]}`);
    if (hubs.left !== hubs.right) await right.does(`/nick ${alike[1]}`);
    const newcomers = Array.from({ length: 24 }, (_, index) => index % 2 === 0 ? hubs.left : hubs.right)
      .map((hub) => personOf(hubs, hub));
    const nicks = newcomers.map(({ member }) => member.nick);
    assertEquals(nicks.filter((nick) => /^guest10(?:-|$)/.test(nick)), []);
    for (const person of [left, right, ...newcomers]) {
      const hub = [hubs.left, hubs.right].find((hub) => hub.findPerson(person.member.nick) === person.member);
      assert(hub !== undefined, `${person.member.nick} is not found under its name`);
    }
  });

  test("people have names in their own scripts (chat L1)", async (hubs) => {
    const ann = await enter(hubs, "left", "\u042e\u043b\u0438\u044f");
    const bob = await enter(hubs, "right", "\u674e\u660e");
    await ann.does("/msg \u674e\u660e \u4f60\u597d");
    await bob.sees(/^\[private\] \u042e\u043b\u0438\u044f to \u674e\u660e: \u4f60\u597d$/);
    assertEquals(await who(bob), ["@\u042e\u043b\u0438\u044f", "\u674e\u660e"]);
    hubs.right.leave(bob.member);
    await ann.sees(/^\* \u674e\u660e left #lobby$/);
  });

  test("joins, leaves and name changes are reported to everyone once", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    await ann.sees(/^\* bob joined #lobby$/);
    await bob.does("/join #dev");
    await ann.does("/join #dev");
    await bob.sees(/^\* ann joined #dev$/);
    await ann.does("/nick anna");
    await bob.does("/leave #lobby");
    await ann.sees(/^\* bob left #lobby$/);
    hubs.left.leave(ann.member, "connection lost");
    const seen = await bob.sees(/^\* anna left #dev/);
    assertEquals(seen.filter((line) => /ann/.test(line) && !/In #|joined|You are/.test(line)), [
      "* ann is now anna",
      "* anna left #dev (connection lost)",
    ]);
  });

  test("the first in a room is its operator, whichever server that is on", async (hubs) => {
    const ann = await enter(hubs, "left", "ann", "#dev");
    const bob = await enter(hubs, "right", "bob", "#dev");
    assertEquals(await who(bob), ["@ann", "bob"]);
    assertEquals(await who(ann), ["@ann", "bob"]);
    await assertRejects(() => bob.does("/kick ann"), ChatError, "Only an operator of #dev may do that");
    const elsewhere = await enter(hubs, "right", "cy", "#other");
    assertEquals(await who(elsewhere), ["@cy"]);
  });

  test("/rooms counts everyone", async (hubs) => {
    const ann = await enter(hubs, "left", "ann", "#dev");
    await ann.does("/topic tea");
    const bob = await enter(hubs, "right", "bob", "#Dev");
    await enter(hubs, "left", "cy", "#only");
    await bob.does("/rooms");
    const lines = [...await bob.sees(/^\* #only/), ...bob.session.take()];
    assert(lines.some((line) => /^\* #dev has 2 people: tea$/i.test(line)), lines.join("\n"));
    assert(lines.includes("* #only has 1 person"), lines.join("\n"));
  });

  test("/msg is delivered to one user, and reports an unknown name", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    await ann.does("/msg BOB hello there");
    assertEquals((await bob.sees(/private/)).at(-1), "[private] ann to bob: hello there");
    assertEquals((await ann.sees(/private/)).at(-1), "[private] ann to bob: hello there");
    await assertRejects(() => ann.does("/msg zoe hi"), ChatError, "No such user: zoe");
  });

  test("/kick removes a member, and notifies everyone", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    const cy = await enter(hubs, "right", "cy");
    await ann.does("/kick bob too loud");
    await bob.sees(/^\* You left #lobby \(kicked by ann\)$/);
    for (const person of [ann, cy]) {
      const seen = await person.sees(/^\* bob left #lobby \(kicked by ann\)$/);
      assert(seen.includes("* ann kicked bob in #lobby (too loud)"), seen.join("\n"));
    }
    assertEquals(await who(ann), ["@ann", "cy"]);
    await assertRejects(() => ann.does("/kick bob"), ChatError, "bob is not in #lobby");
  });

  test("/ignore hides private messages under any name, and nothing else (chat M9)", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    await ann.does("/ignore bob");
    await bob.does("/msg ann one");
    await bob.sees(/^\[private\] bob to ann: one$/);
    await bob.does("/nick innocent");
    await bob.does("/msg ann two");
    await bob.does("in public");
    const heard = await ann.sees(/in public$/);
    assertEquals(heard.filter((line) => line.startsWith("[private]")), []);
    await ann.does("/unignore innocent");
    await assertRejects(() => ann.does("/unignore innocent"), ChatError, "You do not ignore innocent");
    await bob.does("/msg ann three");
    await ann.sees(/^\[private\] innocent to ann: three$/);
    await assertRejects(() => ann.does("/ignore nobody"), ChatError, "No such user: nobody");
  });

  test("/ban takes a range of addresses, and /unban takes it back whole (chat M4)", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob", "#lobby", "[2001:db8:1:2::3]:1");
    const cy = await enter(hubs, "right", "cy", "#lobby", "[2001:db8:1:3::3]:1");
    await ann.does("/ban 2001:db8:1:2:ffff::");
    await bob.sees(/^\* You left #lobby \(banned by ann\)$/);
    await ann.does("/ban 2001:db8:1::/48");
    await cy.sees(/^\* You left #lobby \(banned by ann\)$/);
    await assertRejects(() => ann.does("/ban 2001:db8:1::1/48"), ChatError, "bits set beyond its prefix");
    await assertRejects(() => ann.does("/unban 2001:db8:1:9::1"), ChatError, "is banned as part of 2001:db8:1::/48");
    await ann.does("/unban 2001:db8:1:2::");
    await assertRejects(() => bob.does("/join #lobby"), ChatError, "You are banned from #lobby");
    await ann.does("/unban 2001:0db8:0001::/48");
    await bob.does("/join #lobby");
  });

  test("/ban keeps a name and its address out until /unban", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob", "#lobby", "10.0.0.7:1");
    const same = await enter(hubs, "left", "same", "#lobby", "10.0.0.7:2");
    await ann.does("/ban bob spam");
    await bob.sees(/^\* You left #lobby \(banned by ann\)$/);
    await same.sees(/^\* You left #lobby \(banned by ann\)$/);
    await bob.does("/nick innocent");
    await assertRejects(() => bob.does("/join #lobby"), ChatError, "You are banned from #lobby");
    await assertRejects(() => same.does("/join #lobby"), ChatError, "You are banned from #lobby");
    await ann.does("/unban bob");
    await assertRejects(() => bob.does("/join #lobby"), ChatError, "You are banned from #lobby");
    await ann.does("/unban 10.0.0.7");
    await bob.does("/join #lobby");
    await ann.sees(/^\* innocent joined #lobby$/);
  });

  test("/mute keeps someone from speaking until /unmute", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    await ann.does("/mute bob 10m");
    await bob.sees(/^\* ann muted bob in #lobby for 10m$/);
    await assertRejects(() => bob.does("psst"), ChatError, "You cannot speak: you are muted in #lobby");
    await assertRejects(() => bob.does("/nick rob"), ChatError, "You cannot change your name");
    await ann.does("/unmute bob");
    await bob.sees(/^\* ann unmuted bob in #lobby$/);
    await bob.does("thanks");
    await ann.sees(/bob: thanks$/);
  });

  test("/op makes an operator, /deop takes it back", async (hubs) => {
    const ann = await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    await ann.does("/op bob");
    await bob.sees(/^\* ann made bob an operator of #lobby$/);
    await bob.does("/deop ann");
    await ann.sees(/^\* bob took operator rights in #lobby from ann$/);
    await assertRejects(() => ann.does("/topic mine"), ChatError, "Only an operator");
    await bob.does("/topic ours");
    await ann.sees(/^\* bob set the topic of #lobby: ours$/);
    assertEquals(await who(ann), ["@bob", "ann"]);
  });

  test("/topic is shared by everyone, and shown to later members", async (hubs) => {
    const ann = await enter(hubs, "left", "ann", "#dev");
    const bob = await enter(hubs, "right", "bob", "#dev");
    await ann.does("/topic tea");
    await bob.sees(/^\* ann set the topic of #dev: tea$/);
    await bob.does("/topic");
    await bob.sees(/^\* Topic of #dev: tea$/);
    const cy = await enter(hubs, "right", "cy", "#dev");
    await cy.sees(/^\* Topic of #dev: tea$/);
  });

  test("the last message of a member is delivered before its leave event", async (hubs) => {
    await enter(hubs, "left", "ann");
    const bob = await enter(hubs, "right", "bob");
    for (let round = 0; round < 20; round++) {
      const cy = await enter(hubs, "left", "cy");
      await cy.does(`goodbye ${round}`);
      hubs.left.leave(cy.member);
      const seen = await bob.sees(/^\* cy left/);
      assert(seen.some((line) => line.endsWith(`cy: goodbye ${round}`)), `round ${round}: ${seen.join("\n")}`);
    }
  });
}

const people: Authenticator = {
  verify: (name, password) =>
    Promise.resolve(password === "pw" ? { name, roles: name === "root" ? ["operator"] : [] } : undefined),
};

for (const [name, start] of [["one server", startAlone], ["two servers", startTwo]] as const) {
  const define = name === "two servers" ? toolTest.bind(undefined, "nats-server") : Deno.test;
  define(`${name}: /announce of a server's operator comes to everyone, and nobody may kick that one`, async () => {
    await using hubs = await start({ authenticator: people });
    const logIn = async (hub: Hub, nick: string) => {
      const person = personOf(hubs, hub);
      await person.does(`/login ${nick} pw`);
      return person;
    };
    const root = await logIn(hubs.left, "root");
    const ann = await logIn(hubs.right, "ann");
    const again = await logIn(hubs.left, "ann");
    assertEquals(again.member.nick, "ann_2");
    await root.does("/announce tea is ready");
    for (const person of [root, ann, again]) await person.sees(/^\* Announcement by root: tea is ready$/);
    await assertRejects(() => ann.does("/announce me too"), ChatError, "Only an operator of the server");
    await root.does("/op ann");
    await ann.sees(/made ann an operator/);
    await assertRejects(() => ann.does("/kick root"), ChatError, "root is an operator of the server");
    assertMatch((await who(ann)).join(), /@root/);
  });
  define(`${name}: a ban and a mute hold for every login of the same person (chat M4)`, async () => {
    await using hubs = await start({ authenticator: people });
    const logIn = async (hub: Hub, nick: string) => {
      const person = personOf(hubs, hub);
      await person.does(`/login ${nick} pw`);
      await person.does("/join #lobby");
      return person;
    };
    const root = await logIn(hubs.left, "root");
    const [bob, again] = [await logIn(hubs.right, "bob"), await logIn(hubs.left, "bob")];
    await root.does("/mute bob_2");
    await bob.sees(/^\* root muted bob_2/);
    for (const person of [bob, again]) await assertRejects(() => person.does("hello"), ChatError, "you are muted");
    await root.does("/ban bob");
    for (const person of [bob, again]) await person.sees(/^\* You left #lobby \(banned by root\)$/);
    await assertRejects(() => logIn(hubs.right, "bob"), ChatError, "You are banned from #lobby");
    await root.does("/unban bob_2");
    await again.does("/join #lobby");
  });
  define(`${name}: an operator of the server disconnects and bans from all of it (chat M9)`, async () => {
    await using hubs = await start({ authenticator: people });
    const logIn = async (hub: Hub, nick: string, remote?: string) => {
      const person = personOf(hubs, hub, remote);
      await person.does(`/login ${nick} pw`);
      return person;
    };
    const root = await logIn(hubs.left, "root");
    const [bob, again] = [await logIn(hubs.right, "bob", "10.0.0.7:1"), await logIn(hubs.left, "bob")];
    const cy = await logIn(hubs.right, "cy", "10.0.0.8:1");
    for (const line of ["/server-kick cy", "/server-ban cy", "/server-unban cy"]) {
      await assertRejects(() => bob.does(line), ChatError, "Only an operator of the server");
    }
    await root.does("/server-kick cy calm down");
    await cy.sees(/^\* Bye: disconnected by root: calm down$/);
    assertEquals(cy.session.closeReason, "kicked");
    await root.does("/server-ban bob 1h spam");
    await root.sees(/^\* bob is banned from the server$/);
    for (const person of [bob, again]) {
      await person.sees(/^\* Bye: banned from the server by root: spam$/);
      assertEquals(person.session.closeReason, "kicked");
    }
    await assertRejects(() => logIn(hubs.left, "bob"), ChatError, "You are banned from this server until");
    await assertRejects(() => logIn(hubs.left, "dan", "[::ffff:10.0.0.7]:1"), ChatError, "You are banned");
    await assertRejects(() => root.does("/server-ban root"), ChatError, "root is an operator of the server");
    const away = await logIn(hubs.left, "root", "10.9.9.9:1");
    for (const range of ["10.9.9.9", "10.0.0.0/8", "0.0.0.0/0"]) {
      await assertRejects(() => away.does(`/server-ban ${range}`), ChatError, "That would ban you too");
    }
    await root.does("/server-unban 10.0.0.7");
    await assertRejects(() => root.does("/server-unban 10.0.0.7"), ChatError, "is not banned from the server");
    await root.does("/server-unban bob");
    await root.sees(/bob is no longer banned/);
    await until(
      "bob is let in everywhere",
      () => [hubs.left, hubs.right].every((hub) => !hub.serverBans.find(["bob"])),
    );
    await logIn(hubs.right, "bob");
  });
}
