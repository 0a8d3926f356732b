import { assertEquals } from "@std/assert";
import type { Hub } from "../../../src/chat/hub.ts";
import type { Member } from "../../../src/chat/member.ts";
import { FakeSession } from "../../support/fake_session.ts";
import { withinTime } from "../../support/give_back.ts";
import { joinHub } from "../../support/nats_cluster.ts";
import { NatsServer } from "../../support/nats_server.ts";
import { SeverableProxy } from "../../support/severable_proxy.ts";
import { toolTest } from "../../support/tools.ts";

interface Person {
  readonly hub: Hub;
  readonly member: Member;
  readonly session: FakeSession;
}

async function enter(hub: Hub, nick: string): Promise<Person> {
  const session = new FakeSession();
  const member = hub.enter(session);
  await hub.renaming.rename(member, nick);
  await hub.join(member, "#lobby");
  await session.sent(/^\* You are in/);
  return { hub, member, session };
}

/** What comes up to a line; the machine may be busy, but no wait is for ever. */
function heard({ session }: Person, pattern: RegExp): Promise<string[]> {
  return withinTime(session.sent(pattern), String(pattern));
}

async function say(from: Person, to: Person, text: string): Promise<void> {
  from.hub.say(from.member, from.hub.roomOf(from.member), { text });
  await heard(to, new RegExp(`${text}$`));
}

toolTest("nats-server", "NATS returns with older data, as after a power failure: what follows is heard", async () => {
  await using nats = await NatsServer.start();
  await using proxy = new SeverableProxy(Number(new URL(nats.url).port));
  await using left = await joinHub(nats.url);
  await using right = await joinHub(`nats://127.0.0.1:${proxy.port}`);
  const ann = await enter(left, "ann");
  const amy = await enter(left, "amy");
  const bob = await enter(right, "bob");
  await say(ann, bob, "kept");
  await nats.kill();
  await using older = await nats.save();
  await nats.restart();
  for (const text of ["lost 1", "lost 2", "lost 3"]) await say(ann, bob, text);
  for (const name of ["bo", "rob", "robert"]) {
    await right.renaming.rename(bob.member, name);
    await heard(ann, new RegExp(`is now ${name}$`));
  }
  const room = left.roomOf(ann.member);
  await room.log.decide({ action: "ban", by: "ann", nick: "eve" });
  await heard(bob, /eve/);
  await nats.kill();
  await older.restore();
  proxy.sever();
  await nats.restart();
  // The other server comes back after as much was written as was lost: the numbers are those that it knows.
  const texts = ["after 1", "after 2", "after 3", "after 4"];
  for (const text of texts) await say(ann, amy, text);
  proxy.mend();
  for (const text of texts) await heard(bob, new RegExp(`${text}$`));
  await say(bob, ann, "answer");
  await right.renaming.rename(bob.member, "bertie");
  await heard(ann, /is now bertie$/);
  await room.log.decide({ action: "topic", by: "ann", topic: "tea" });
  await heard(bob, /tea/);
  for (const { hub, member } of [ann, bob]) {
    const { log } = hub.roomOf(member);
    assertEquals(log.state.restrictions.find("ban", ["eve"])?.subject, "eve");
    await log.reached?.(room.log.seq);
    const stored = await log.last(10, log.seq);
    assertEquals(stored.map(({ text }) => text), ["kept", ...texts, "answer"]);
  }
  await using third = await joinHub(nats.url);
  const cy = await enter(third, "cy");
  const { members } = third.roomOf(cy.member).people(10);
  assertEquals(members.map(({ nick }) => nick).sort(), ["amy", "ann", "bertie", "cy"]);
});
