import { assertEquals } from "@std/assert";
import { Logger } from "@parley/parley";
import { messageOf } from "../../../src/base/errors.ts";
import { createMemoryHistory } from "../../../src/chat/history_memory.ts";
import { Hub } from "../../../src/chat/hub.ts";
import type { Member } from "../../../src/chat/member.ts";
import type { NatsLink } from "../../../src/chat/nats/link.ts";
import { decodePresence, encodePerson } from "../../../src/chat/nats/presence_record.ts";
import { Registration } from "../../../src/chat/nats/registration.ts";
import type { Table } from "../../../src/chat/nats/table.ts";
import { FakeSession } from "../../support/fake_session.ts";

/** A table without a network. */
class FakeTable implements Pick<Table, "put" | "get"> {
  readonly entries = new Map<string, { key: string; value: unknown; revision: number }>();
  #revisions = 0;

  set(key: string, value: unknown): number {
    this.entries.set(key, { key, value: JSON.parse(JSON.stringify(value)), revision: ++this.#revisions });
    return this.#revisions;
  }

  put(key: string, value: unknown, expected?: number): Promise<number | undefined> {
    const isExpected = expected === undefined || (this.entries.get(key)?.revision ?? 0) === expected;
    return Promise.resolve(isExpected ? this.set(key, value) : undefined);
  }

  get(key: string) {
    return Promise.resolve(this.entries.get(key));
  }
}

const POSITION = { epoch: "e", seq: 1 };

function createHub(): Hub {
  return new Hub({ log: Logger.of("test"), history: createMemoryHistory({ retention: { maxMessages: 9 } }) });
}

function register(member: Member, table: FakeTable, isReady = true): Registration {
  return new Registration({
    server: "s1",
    link: { isReady, whenReady: () => isReady } as unknown as NatsLink,
    table: table as unknown as Table,
    messages: { position: POSITION, reached: () => undefined },
    isFree: () => false,
    onNameLost: () => {},
  }, member);
}

for (
  const [record, expected] of [
    ["of another member", "kept"],
    ["of its own with a later revision", "freed"],
    ["that is there no more", "missing"],
  ] as const
) {
  Deno.test(`Registration.remove() finds a record ${record}: ${expected}`, async () => {
    await using hub = createHub();
    const [ann, other] = [hub.enter(new FakeSession()), hub.enter(new FakeSession())];
    const table = new FakeTable();
    const registration = register(ann, table);
    const { key } = registration;
    await registration.update();
    const recordOf = (member: Member) => {
      return encodePerson(member, { server: "s2", nick: "x", why: new Map(), after: POSITION });
    };
    if (expected === "missing") table.entries.delete(key);
    else table.set(key, recordOf(expected === "kept" ? other : ann));
    await registration.remove("gone");
    const left = decodePresence(table.entries.get(key)?.value);
    const found = left === undefined
      ? "missing"
      : "person" in left
      ? left.person.id === other.id && "kept"
      : left.tombstone.id === ann.id && "freed";
    assertEquals([found, registration.isTidy], [expected, true]);
  });
}

Deno.test("Registration.rename() reports why it cannot check the name", async () => {
  await using hub = createHub();
  const table = new FakeTable();
  const why = (isReady: boolean) =>
    register(hub.enter(new FakeSession()), table, isReady).rename("bob", () => {}).catch(messageOf);
  assertEquals(
    await why(false),
    "Cannot check whether the name bob is free: NATS is unreachable; try again later",
  );
  table.put = () => Promise.reject(new Error("no permission"));
  assertEquals(await why(true), "Cannot check whether the name bob is free: no permission");
});

Deno.test("Registration.leave() stores the reason with the next record, once", async () => {
  await using hub = createHub();
  const table = new FakeTable();
  const registration = register(hub.enter(new FakeSession()), table);
  const stored = async () => {
    await registration.update();
    const presence = decodePresence(table.entries.get(registration.key)?.value);
    return presence !== undefined && "person" in presence ? presence.person.why : undefined;
  };
  registration.leave("#a", "bye");
  assertEquals([await stored(), await stored()], [{ "#a": "bye" }, {}]);
});

Deno.test("Registration.isTidy is false until the name of a member that has left is freed", async () => {
  await using hub = createHub();
  const table = new FakeTable();
  const registration = register(hub.enter(new FakeSession()), table);
  await registration.update();
  const { put } = table;
  table.put = () => Promise.reject(new Error("no reply"));
  await registration.remove("gone");
  assertEquals(registration.isTidy, false);
  table.put = put;
  await registration.tidy();
  const left = decodePresence(table.entries.get(registration.key)?.value);
  assertEquals([registration.isTidy, left !== undefined && "tombstone" in left], [true, true]);
});
