import { assertEquals, assertNotEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import { Hub } from "../../src/chat/hub.ts";
import type { Member } from "../../src/chat/member.ts";
import { claimKey, OperatorClaims } from "../../src/chat/operator_claims.ts";
import { FakeSession } from "../support/fake_session.ts";
import { startAlone, startTwo } from "../support/nats_cluster.ts";
import { toolTest } from "../support/tools.ts";

const SECRET = "0123456789abcdef";

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 100 } }) });
}

async function enter(hub: Hub, nick: string, claim?: string): Promise<Member> {
  const member = hub.enter(new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL }));
  await hub.renaming.rename(member, nick);
  member.claim = claim;
  await hub.join(member, "#dev");
  return member;
}

const isOperator = (hub: Hub, member: Member) => hub.roomOf(member, "#dev").mayModerate(member);

Deno.test("Hub.join() restores the operator whose connection ended (fault 35)", async () => {
  await using hub = createHub();
  const ada = await enter(hub, "ada", SECRET);
  const bob = await enter(hub, "bob", "fedcba9876543210");
  hub.leave(ada);
  const eve = await enter(hub, "eve", "guessed-by-eve-00");
  const again = await enter(hub, "ada", SECRET);
  assertEquals([bob, eve, again].map((member) => isOperator(hub, member)), [false, false, true]);
});

const op = (hub: Hub, by: Member, { id, nick }: Member, action: "op" | "deop" = "op") =>
  hub.roomOf(by, "#dev").decide({ action, by: by.nick, target: id, nick });

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    if (tries > 1_000) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const untilGone = (hub: Hub, nick: string) => until(() => hub.findPerson(nick) === undefined);
const untilThere = (hub: Hub, nick: string) => until(() => hub.findPerson(nick)?.rooms.has("#dev") === true);
const untilRights = (hub: Hub, member: Member, is: boolean) => until(() => isOperator(hub, member) === is);

Deno.test("Hub.join() restores no operator without the secret, and each connection with it", async () => {
  await using hub = createHub();
  const ada = await enter(hub, "ada", SECRET);
  await enter(hub, "bob");
  hub.leave(ada);
  const other = await enter(hub, "ada");
  assertEquals(isOperator(hub, other), false);
  hub.leave(other);
  const again = await enter(hub, "ada", SECRET);
  const twice = await enter(hub, "ada2", SECRET);
  assertEquals([isOperator(hub, again), isOperator(hub, twice)], [true, true]);
});

Deno.test("Hub.join() restores nothing for a member that left, was removed, or was not an operator", async () => {
  await using hub = createHub();
  const ada = await enter(hub, "ada", SECRET);
  const bob = await enter(hub, "bob", "fedcba9876543210");
  hub.part(ada, hub.roomOf(ada, "#dev"));
  hub.leave(ada);
  hub.leave(bob);
  const carol = await enter(hub, "carol");
  const members = [await enter(hub, "ada", SECRET), await enter(hub, "bob", "fedcba9876543210")];
  assertEquals(members.map((member) => isOperator(hub, member)), [false, false]);
  assertEquals(isOperator(hub, carol), true);
});

for (const [afterMs, isKept] of [[299_999, true], [300_000, false]] as const) {
  Deno.test(`OperatorClaims ${isKept ? "keeps" : "forgets"} a claim after ${afterMs} ms (KEPT_MS)`, () => {
    let nowMs = 0;
    const claims = new OperatorClaims(() => nowMs);
    claims.keep(SECRET, ["#dev"]);
    nowMs = afterMs;
    assertEquals(claims.take(SECRET, "#dev"), isKept);
  });
}

Deno.test("OperatorClaims keeps 1,000 claims (MAX_KEPT), and forgets the oldest beyond", () => {
  const claims = new OperatorClaims(() => 0);
  for (let number = 0; number <= 1_000; number++) claims.keep(`claim ${number}`, ["#dev"]);
  assertEquals([0, 1, 1_000].map((number) => claims.take(`claim ${number}`, "#dev")), [false, true, true]);
});

Deno.test("claimKey() does not contain the secret, and differs between secrets", () => {
  assertEquals(claimKey(SECRET).includes(SECRET), false);
  assertEquals(claimKey(SECRET), claimKey(SECRET));
  assertNotEquals(claimKey(SECRET), claimKey(`${SECRET}0`));
});

for (const [name, start] of Object.entries({ "one server": startAlone, "two servers": startTwo })) {
  const test = name === "two servers" ? toolTest.bind(undefined, "nats-server") : Deno.test;

  test(`${name}: an operator whose connection ended is operator again on any server (fault 35)`, async () => {
    await using hubs = await start();
    const ada = await enter(hubs.left, "ada", SECRET);
    const bob = await enter(hubs.right, "bob", "fedcba9876543210");
    hubs.left.leave(ada);
    await untilGone(hubs.right, "ada");
    const eve = await enter(hubs.right, "eve", "guessed-by-eve-00");
    const again = await enter(hubs.right, "ada2", SECRET);
    assertEquals([bob, eve, again].map((member) => isOperator(hubs.right, member)), [false, false, true]);
  });

  test(`${name}: an operator that reconnects before its lost connection is noticed stays operator (fault 35)`, async () => {
    await using hubs = await start();
    const ada = await enter(hubs.left, "ada", SECRET);
    await enter(hubs.right, "bob");
    const again = await enter(hubs.right, "ada2", SECRET);
    hubs.left.leave(ada);
    assertEquals(isOperator(hubs.right, again), true);
  });

  test(`${name}: a claim that was used on one server is used up on all (fault 35)`, async () => {
    await using hubs = await start();
    const bob = await enter(hubs.left, "bob");
    const ada = await enter(hubs.left, "ada", SECRET);
    await op(hubs.left, bob, ada);
    hubs.left.leave(ada);
    await untilGone(hubs.right, "ada");
    const again = await enter(hubs.right, "ada2", SECRET);
    assertEquals(isOperator(hubs.right, again), true);
    await untilThere(hubs.left, "ada2");
    // No operator any more: neither here nor there may the old claim give that back.
    await op(hubs.left, bob, again, "deop");
    await untilRights(hubs.right, again, false);
    hubs.right.leave(again);
    await untilGone(hubs.left, "ada2");
    for (const [index, hub] of [hubs.left, hubs.right].entries()) {
      assertEquals(isOperator(hub, await enter(hub, `ada${index + 3}`, SECRET)), false);
    }
  });
}
