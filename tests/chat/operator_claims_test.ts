import { assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { JSON_SUBPROTOCOL } from "../../src/chat/event_format.ts";
import { Hub } from "../../src/chat/hub.ts";
import type { Member } from "../../src/chat/member.ts";
import { OperatorClaims } from "../../src/chat/operator_claims.ts";
import { FakeSession } from "../support/fake_session.ts";

const SECRET = "0123456789abcdef";

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 100 } }) });
}

async function enter(hub: Hub, nick: string, claim?: string): Promise<Member> {
  const member = hub.enter(new FakeSession({ kind: "websocket", subprotocol: JSON_SUBPROTOCOL }));
  hub.rename(member, nick);
  member.claim = claim;
  await hub.join(member, "#dev");
  return member;
}

const isOperator = (hub: Hub, member: Member) => hub.roomOf(member, "#dev").mayModerate(member);

Deno.test("Hub.join() gives a room back to the operator whose connection ended (fault 35)", async () => {
  await using hub = createHub();
  const ada = await enter(hub, "ada", SECRET);
  const bob = await enter(hub, "bob", "fedcba9876543210");
  hub.leave(ada);
  const eve = await enter(hub, "eve", "guessed-by-eve-00");
  const again = await enter(hub, "ada", SECRET);
  assertEquals([bob, eve, again].map((member) => isOperator(hub, member)), [false, false, true]);
});

Deno.test("Hub.join() gives a room back once, and to nobody without the secret", async () => {
  await using hub = createHub();
  const ada = await enter(hub, "ada", SECRET);
  await enter(hub, "bob");
  hub.leave(ada);
  const other = await enter(hub, "ada");
  assertEquals(isOperator(hub, other), false);
  hub.leave(other);
  const again = await enter(hub, "ada", SECRET);
  const twice = await enter(hub, "ada2", SECRET);
  assertEquals([isOperator(hub, again), isOperator(hub, twice)], [true, false]);
});

Deno.test("Hub.join() gives nothing back to who left the room, was removed from it, or was no operator", async () => {
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
  Deno.test(`OperatorClaims ${isKept ? "keeps" : "forgets"} a claim after ${afterMs} ms`, async () => {
    await using hub = createHub();
    const ada = await enter(hub, "ada", SECRET);
    const room = hub.roomOf(ada, "#dev");
    let nowMs = 0;
    const claims = new OperatorClaims(() => nowMs);
    claims.keep(ada);
    nowMs = afterMs;
    assertEquals(claims.take(ada, room), isKept);
  });
}

Deno.test("OperatorClaims keeps 1,000 claims, and forgets the oldest beyond", async () => {
  await using hub = createHub();
  const ada = await enter(hub, "ada");
  const room = hub.roomOf(ada, "#dev");
  const claims = new OperatorClaims(() => 0);
  for (let number = 0; number <= 1_000; number++) {
    ada.claim = `claim ${number}`;
    claims.keep(ada);
  }
  const taken = [0, 1, 1_000].map((number) => {
    ada.claim = `claim ${number}`;
    return claims.take(ada, room);
  });
  assertEquals(taken, [false, true, true]);
});
