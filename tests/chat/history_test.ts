import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Logger, PermissionError, UsageError } from "@parley/parley";
import { ChatError } from "../../src/chat/chat_error.ts";
import type { History, Receipt, Retention, RoomLog } from "../../src/chat/history.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { createSqliteHistory } from "../../src/chat/history_sqlite.ts";
import type { Draft, RoomMessage } from "../../src/chat/message.ts";
import { joinTestCluster } from "../support/nats_cluster.ts";
import { NatsServer } from "../support/nats_server.ts";
import { toolTest } from "../support/tools.ts";

interface Fixture extends AsyncDisposable {
  create(retention: Retention, now?: () => number): History | Promise<History>;
  /** Numbers have gaps, and `prev` names the one before. */
  readonly hasGaps?: true;
  /** Time is the system's, whatever `now` says. */
  readonly hasOwnClock?: true;
}

const log = Logger.of("test");

/** The same suite over every history. */
const HISTORIES: Readonly<Record<string, () => Promise<Fixture>>> = {
  memory: () =>
    Promise.resolve({
      create: (retention, now) => createMemoryHistory({ retention, ...(now ? { now } : {}) }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  sqlite: async () => {
    const folder = await Deno.makeTempDir();
    return {
      create: (retention, now) =>
        createSqliteHistory({ path: `${folder}/chat.db`, retention, log, ...(now ? { now } : {}) }),
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  },
  nats: async () => {
    const server = await NatsServer.start();
    return {
      hasGaps: true,
      hasOwnClock: true,
      create: async (retention) => (await joinTestCluster(server.url, { retention })).history,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

const KEEP: Retention = { maxMessages: 100 };

function publish(log: RoomLog, draft: Partial<Draft> & { text: string }): Promise<Receipt | ChatError> {
  return new Promise((resolve) => log.publish({ from: "alice", ...draft }, resolve));
}

for (const [name, fixtureOf] of Object.entries(HISTORIES)) {
  const test = (what: string, run: (fixture: Fixture) => Promise<void>) => {
    const define = name === "nats" ? toolTest.bind(undefined, "nats-server") : Deno.test;
    define(`${name} history: ${what}`, async () => {
      await using fixture = await fixtureOf();
      await run(fixture);
    });
  };

  test("publish() numbers from 1 without gaps and tells the room before the sender", async ({ create }) => {
    await using history = await create(KEEP);
    const steps: string[] = [];
    const log = await history.open("#a", ({ seq, text }) => steps.push(`${seq} ${text}`));
    await Promise.all(["x", "y"].map(async (text) => {
      const receipt = await publish(log, { text });
      assert(!(receipt instanceof ChatError));
      assertEquals(receipt.epoch, log.epoch);
      steps.push(`settled ${receipt.seq}`);
    }));
    assertEquals(steps.filter((step) => /^\d/.test(step)), ["1 x", "2 y"]);
    assert(steps.indexOf("1 x") < steps.indexOf("settled 1"));
    assertEquals(log.seq, 2);
  });

  test("publish() stores a repeated id once, and refuses it for another text", async ({ create }) => {
    await using history = await create(KEEP);
    const told: RoomMessage[] = [];
    const log = await history.open("#a", (message) => told.push(message));
    const [first, again, other] = await Promise.all([
      publish(log, { text: "x", id: "1" }),
      publish(log, { text: "x", id: "1" }),
      publish(log, { text: "other", id: "1" }),
    ]);
    assertEquals(first, { seq: 1, epoch: log.epoch, isDuplicate: false });
    assertEquals(again, { seq: 1, epoch: log.epoch, isDuplicate: true });
    assertInstanceOf(other, ChatError);
    assertEquals(other.code, "id-conflict");
    assertEquals(told.map(({ seq, id }) => [seq, id]), [[1, "1"]]);
    assertEquals((await publish(log, { text: "y", id: "2" }) as Receipt).seq, 2);
  });

  test("after() and last() give what was published, oldest first", async ({ create, hasGaps }) => {
    await using history = await create(KEEP);
    const log = await history.open("#a", () => {});
    const other = await history.open("#b", () => {});
    const seqs: number[] = [0];
    for (const text of ["1", "2", "3", "4"]) {
      const receipt = await publish(log, { text, ...(text === "2" ? { action: true, id: "two" } : {}) });
      assert(!(receipt instanceof ChatError));
      seqs.push(receipt.seq);
      await publish(other, { text: "elsewhere" });
    }
    assertEquals(seqs, hasGaps ? [0, 1, 3, 5, 7] : [0, 1, 2, 3, 4]);
    const [, first = 0, two = 0, three = 0, four = 0] = seqs;
    const texts = (messages: readonly RoomMessage[] | undefined) => messages?.map(({ text }) => text);
    assertEquals(texts(await log.after(0, 10)), ["1", "2", "3", "4"]);
    assertEquals(texts(await log.after(two, 1)), ["3"]);
    assertEquals(texts(await log.after(four, 10)), []);
    assertEquals(await log.after(four + 1, 10), undefined);
    assertEquals(texts(await log.last(2, four)), ["3", "4"]);
    assertEquals(texts(await log.last(9, three)), ["1", "2", "3"]);
    const [second] = await log.after(first, 1) ?? [];
    assertMatch(second?.at ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assertEquals(second, {
      type: "message",
      room: "#a",
      seq: two,
      ...(hasGaps ? { prev: first } : {}),
      epoch: log.epoch,
      at: second?.at ?? "",
      from: "alice",
      text: "2",
      action: true,
      id: "two",
    });
  });

  test("after() says so when what is asked for is no longer kept, by count and by age", async ({ create, hasOwnClock }) => {
    let nowMs = 1_000_000;
    await using history = await create({ maxMessages: 3, maxAgeMs: 60_000 }, () => nowMs);
    const log = await history.open("#a", () => {});
    for (let count = 1; count <= 5; count++) await publish(log, { text: String(count) });
    // One of many servers may have more at hand: what is kept is seen by another.
    await using other = hasOwnClock ? await create({ maxMessages: 3 }) : undefined;
    const reader = await other?.open("#a", () => {}) ?? log;
    assertEquals(await reader.after(1, 10), undefined);
    assertEquals((await reader.after(2, 10))?.length, 3);
    if (hasOwnClock) return;
    nowMs += 60_001;
    await publish(log, { text: "late" });
    assertEquals(await log.after(4, 10), undefined);
    assertEquals((await log.after(5, 10))?.map(({ text }) => text), ["late"]);
    assertEquals((await log.last(10, log.seq)).length, 1);
  });

  test("a room that was closed goes on where it was", async ({ create }) => {
    await using history = await create(KEEP);
    const log = await history.open("#Dev", () => {});
    await publish(log, { text: "x" });
    assertEquals(log.state, undefined);
    await log.decide({ action: "topic", by: "ann", topic: "tea" });
    const untilMs = Date.now() + 60_000;
    await log.decide({ action: "ban", by: "ann", nick: "Bob", address: "10.0.0.7", untilMs });
    await log.decide({ action: "mute", by: "ann", nick: "cy" });
    await log.decide({ action: "unmute", by: "ann", nick: "CY" });
    await log.decide({ action: "kick", by: "ann", nick: "cy" });
    log.close();
    const again = await history.open("#dev", () => {});
    assertEquals([again.epoch, again.seq], [log.epoch, 1]);
    assertEquals(again.state?.topic, "tea");
    assertEquals(again.state?.restrictions, [
      { kind: "ban", subject: "bob", untilMs },
      { kind: "ban", subject: "10.0.0.7", untilMs },
    ]);
    assertEquals((await again.last(5, 1)).map(({ text }) => text), ["x"]);
  });
}

Deno.test("memory history forgets the rooms that have been empty the longest", async () => {
  await using history = createMemoryHistory({ retention: KEEP });
  const first = await history.open("#first", () => {});
  first.close();
  for (let count = 0; count < 64; count++) (await history.open(`#r${count}`, () => {})).close();
  assert((await history.open("#first", () => {})).epoch !== first.epoch);
});

Deno.test("sqlite history goes on after the program ended, ids and numbers included", async () => {
  const path = await Deno.makeTempFile();
  const options = { path, retention: KEEP, log: Logger.of("test") };
  let epoch: string;
  {
    await using history = createSqliteHistory(options);
    const log = await history.open("#a", () => {});
    await publish(log, { text: "x", id: "1" });
    epoch = log.epoch;
  }
  await using history = createSqliteHistory(options);
  const log = await history.open("#a", () => {});
  assertEquals([log.epoch, log.seq], [epoch, 1]);
  assertEquals(await publish(log, { text: "x", id: "1" }), { seq: 1, epoch, isDuplicate: true });
  await Deno.remove(path);
});

Deno.test("createSqliteHistory() says in one line why a file cannot be used", async () => {
  const folder = await Deno.makeTempDir();
  const open = (path: string) => createSqliteHistory({ path, retention: KEEP, log: Logger.of("test") });
  await Deno.writeFile(`${folder}/corrupt.db`, crypto.getRandomValues(new Uint8Array(8_000)));
  assertThrows(() => open(`${folder}/corrupt.db`), UsageError, "it is no SQLite database");
  assertThrows(() => open(`${folder}/missing/chat.db`), PermissionError, "cannot be opened or made");
  {
    await using _history = open(`${folder}/busy.db`);
    assertThrows(() => open(`${folder}/busy.db`), UsageError, "another program uses it");
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("sqlite history acknowledges nothing when it cannot store", async () => {
  const path = await Deno.makeTempFile();
  const history = createSqliteHistory({ path, retention: KEEP, log: Logger.of("test") });
  const told: RoomMessage[] = [];
  const log = await history.open("#a", (message) => told.push(message));
  await history[Symbol.asyncDispose]();
  const outcome = await publish(log, { text: "lost" });
  assertInstanceOf(outcome, ChatError);
  assertEquals([outcome.code, told, log.seq], ["not-stored", [], 0]);
  await assertRejects(() => log.last(1, 1), ChatError);
  await Deno.remove(path);
});
