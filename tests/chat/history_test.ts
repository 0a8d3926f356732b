import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Logger, OutOfResourcesError, PermissionError, UsageError } from "@parley/parley";
import { ChatError } from "../../src/chat/chat_error.ts";
import type { History, Receipt, Retention, RoomLog } from "../../src/chat/history.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { createSqliteHistory } from "../../src/chat/history_sqlite.ts";
import { openError } from "../../src/chat/sqlite_open_error.ts";
import type { Draft, RoomMessage } from "../../src/chat/message.ts";
import { joinTestCluster } from "../support/nats_cluster.ts";
import { NatsServer } from "../support/nats_server.ts";
import { toolTest } from "../support/tools.ts";

interface Fixture extends AsyncDisposable {
  create(retention: Retention, now?: () => number): History | Promise<History>;
  /** Numbers have gaps, and `prev` names the one before. */
  readonly hasGaps?: true;
  /** Uses the system time, whatever `now` returns. */
  readonly hasOwnClock?: true;
}

const log = Logger.of("test");

/** The same suite over every history. */
const HISTORIES: Readonly<Record<string, () => Promise<Fixture>>> = {
  memory: () =>
    Promise.resolve({
      create: (retention, now) => createMemoryHistory({ retention, now, monotonicNow: now }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  sqlite: async () => {
    const folder = await Deno.makeTempDir();
    return {
      create: (retention, now) =>
        createSqliteHistory({ path: `${folder}/chat.db`, retention, log, now, monotonicNow: now }),
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

  test("publish() numbers from 1 without gaps and notifies the room before the sender", async ({ create }) => {
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

  test("publish() stores a repeated id once, and rejects it for another text", async ({ create }) => {
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

  test("publish() keeps the ids of two senders apart (chat H3)", async ({ create }) => {
    await using history = await create(KEEP);
    const log = await history.open("#a", () => {});
    const seqs = [];
    for (const [sender, text] of [["ann", "x"], ["eve", "y"], ["ann", "x"], ["eve", "y"], [undefined, "z"]] as const) {
      const receipt = await publish(log, { text, id: "1", sender });
      assert(!(receipt instanceof ChatError));
      seqs.push([receipt.seq, receipt.isDuplicate]);
    }
    const [ann, eve, , , nobody] = seqs;
    assertEquals(seqs.slice(2, 4), [[ann?.[0], true], [eve?.[0], true]]);
    assertEquals([ann?.[1], eve?.[1], nobody?.[1]], [false, false, false]);
    assertInstanceOf(await publish(log, { text: "other", id: "1", sender: "eve" }), ChatError);
    const stored = await log.last(9, log.seq);
    assertEquals(stored.map(({ text }) => text), ["x", "y", "z"]);
    assert(stored.every((message) => !("sender" in message)));
  });

  test("after() and last() return the published messages, oldest first", async ({ create, hasGaps }) => {
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

  test("after() reports when the requested messages are no longer kept, by count and by age", async ({ create, hasOwnClock }) => {
    let nowMs = 1_000_000;
    await using history = await create({ maxMessages: 3, maxAge: 60_000 }, () => nowMs);
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

  test("an id can be used again once its message is no longer kept", async ({ create, hasOwnClock }) => {
    // NATS remembers ids for a time of its own.
    if (hasOwnClock) return;
    await using history = await create({ maxMessages: 3 });
    const log = await history.open("#a", () => {});
    await publish(log, { text: "old", id: "1" });
    for (const text of ["a", "b", "c"]) await publish(log, { text });
    const room = await history.open("#a", () => {});
    assertEquals((await room.last(10, room.seq)).map(({ text }) => text), ["a", "b", "c"]);
    const receipt = await publish(room, { text: "new", id: "1" });
    assertEquals(receipt instanceof ChatError ? receipt.code : receipt.isDuplicate, false);
    const again = await publish(room, { text: "new", id: "1" });
    assertEquals(again instanceof ChatError ? again.code : again.isDuplicate, true);
  });

  test("a closed room continues its numbering when it is reopened", async ({ create }) => {
    await using history = await create(KEEP);
    const log = await history.open("#Dev", () => {});
    await publish(log, { text: "x" });
    assertEquals(log.state.isBlank, true);
    await log.decide({ action: "topic", by: "ann", topic: "tea" });
    const untilMs = Date.now() + 60_000;
    await log.decide({ action: "ban", by: "ann", nick: "Bob", address: "10.0.0.7", untilMs });
    await log.decide({ action: "mute", by: "ann", nick: "cy" });
    await log.decide({ action: "unmute", by: "ann", nick: "CY" });
    await log.decide({ action: "kick", by: "ann", nick: "cy" });
    log.close();
    const again = await history.open("#dev", () => {});
    assertEquals([again.epoch, again.seq], [log.epoch, 1]);
    assertEquals(again.state.topic, "tea");
    assertEquals(again.state.restrictions.list().toSorted((a, b) => a.subject < b.subject ? -1 : 1), [
      { kind: "ban", subject: "10.0.0.7", untilMs },
      { kind: "ban", subject: "bob", untilMs },
    ]);
    assertEquals((await again.last(5, 1)).map(({ text }) => text), ["x"]);
  });
}

for (const [name, create] of Object.entries({ memory: createMemoryHistory, sqlite: createSqliteHistory })) {
  const open = async (now: () => number, monotonicNow: () => number) => {
    const path = await Deno.makeTempFile();
    const history = create({ path, log, now, monotonicNow, retention: { maxMessages: 100, maxAge: 60_000 } });
    const room = await history.open("#a", () => {});
    const dispose = async () => {
      await history[Symbol.asyncDispose]();
      await Deno.remove(path);
    };
    return { room, [Symbol.asyncDispose]: dispose };
  };
  const textsOf = (messages: readonly RoomMessage[] | undefined) => messages?.map(({ text }) => text);

  Deno.test(`${name} history: a clock that is set back breaks no resume (chat M7)`, async () => {
    let [wallMs, elapsedMs] = [1_000_000, 0];
    await using opened = await open(() => wallMs, () => elapsedMs);
    const { room } = opened;
    await publish(room, { text: "1" });
    wallMs -= 3_600_000;
    await publish(room, { text: "2" });
    await publish(room, { text: "3" });
    const messages = await room.after(0, 10) ?? [];
    assertEquals(textsOf(messages), ["1", "2", "3"]);
    assertEquals(messages.map(({ at }) => at), messages.map(({ at }) => at).toSorted());
    // What was stored while the clock was behind expires with what was stored before, and not from the middle.
    [wallMs, elapsedMs] = [1_000_000 + 30_000, 3_630_000];
    assertEquals(textsOf(await room.after(0, 10)), ["1", "2", "3"]);
    [wallMs, elapsedMs] = [wallMs + 30_001, elapsedMs + 30_001];
    assertEquals(await room.after(0, 10), undefined);
    assertEquals(await room.after(3, 10), []);
  });

  Deno.test(`${name} history: a clock that is set forward deletes nothing by that alone (chat M7)`, async () => {
    let [wallMs, elapsedMs] = [1_000_000, 0];
    await using opened = await open(() => wallMs, () => elapsedMs);
    const { room } = opened;
    await publish(room, { text: "1" });
    wallMs += 365 * 86_400_000;
    assertEquals(textsOf(await room.after(0, 10)), ["1"]);
    elapsedMs += 29_000;
    assertEquals(textsOf(await room.after(0, 10)), ["1"]);
    // It expires all the same, at the latest when it is as old by any clock.
    elapsedMs += 31_001;
    assertEquals(await room.after(0, 10), undefined);
  });

  Deno.test(`${name} history: a room has at most 500 bans and mutes (MAX_RESTRICTIONS), and a lifted one frees its place (chat M3)`, async () => {
    await using opened = await open(() => 0, () => 0);
    const { room } = opened;
    const restrict = (action: "ban" | "mute" | "unban", nick: string, untilMs?: number) =>
      room.decide({ action, by: "ann", nick, untilMs });
    for (let count = 0; count < 499; count++) await restrict("ban", `u${count}`);
    await restrict("mute", "last");
    const refusal = assertThrows(() => restrict("ban", "more"), ChatError);
    assertEquals(refusal.code, "too-many-bans");
    assertEquals(room.state.restrictions.size, 500);
    await restrict("ban", "u7", Date.now() + 60_000);
    await restrict("unban", "u3");
    await restrict("ban", "more");
    assertThrows(() => restrict("mute", "one more"), ChatError);
  });
}

Deno.test("sqlite history: messages expire in batches, and all are hidden at once (chat M7)", async () => {
  const path = await Deno.makeTempFile();
  let nowMs = 1_000_000;
  const now = () => nowMs;
  const retention = { maxMessages: 100_000, maxAge: "1m" };
  await using history = createSqliteHistory({ path, log, now, monotonicNow: now, retention });
  const room = await history.open("#a", () => {});
  await Promise.all(Array.from({ length: 5_000 }, (_, index) => publish(room, { text: String(index) })));
  nowMs += 30_000;
  await publish(room, { text: "kept" });
  nowMs += 30_001;
  const startMs = performance.now();
  assertEquals((await room.last(100, room.seq)).map(({ text }) => text), ["kept"]);
  assertEquals(await room.after(4_000, 10), undefined);
  for (let asked = 0; asked < 200; asked++) await room.last(100, room.seq);
  assert(performance.now() - startMs < 1_000, "a history costs more than 5 ms");
  await Deno.remove(path);
});

Deno.test("sqlite history is accessible to its owner only, and rejects a file that is not a database (chat L6)", async () => {
  const folder = await Deno.makeTempDir();
  const open = (name: string) => createSqliteHistory({ path: `${folder}/${name}`, retention: KEEP, log });
  {
    await using history = open("chat.db");
    await publish(await history.open("#a", () => {}), { text: "x" });
    for await (const { name } of Deno.readDir(folder)) {
      assertEquals(((await Deno.stat(`${folder}/${name}`)).mode ?? 0) & 0o777, 0o600, name);
    }
  }
  await using _again = open("chat.db");
  for (const [index, text] of ["hello", "x", "SQLite format 3", "\n".repeat(99), "PK\x03\x04zip"].entries()) {
    await Deno.writeTextFile(`${folder}/${index}`, text);
    assertThrows(() => open(String(index)), UsageError, "not a SQLite database");
    assertEquals(await Deno.readTextFile(`${folder}/${index}`), text);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("sqlite history continues after a restart, including ids and numbers", async () => {
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

Deno.test("createSqliteHistory() reports in one line why a file cannot be used", async () => {
  const folder = await Deno.makeTempDir();
  const open = (path: string) => createSqliteHistory({ path, retention: KEEP, log: Logger.of("test") });
  await Deno.writeFile(`${folder}/corrupt.db`, crypto.getRandomValues(new Uint8Array(8_000)));
  assertThrows(() => open(`${folder}/corrupt.db`), UsageError, "not a SQLite database");
  assertThrows(() => open(`${folder}/missing/chat.db`), UsageError, "no such folder");
  assertThrows(() => open(folder), UsageError, "it is a folder");
  await Deno.symlink("nowhere", `${folder}/link.db`);
  assertThrows(() => open(`${folder}/link.db`), UsageError, "it is a link to a file that does not exist");
  {
    // As a FIFO, which would wait for a writer.
    using _socket = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    assertThrows(() => open(`${folder}/socket`), UsageError, "it is not a regular file");
  }
  {
    await using _history = open(`${folder}/busy.db`);
    assertThrows(() => open(`${folder}/busy.db`), UsageError, "another program uses it");
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openError() distinguishes a full disk and missing permissions from a mistake (chat L6)", () => {
  for (
    const [message, kind] of [
      ["No space left on device (os error 28)", OutOfResourcesError],
      ["database or disk is full", OutOfResourcesError],
      ["disk I/O error", OutOfResourcesError],
      ["Disk quota exceeded (os error 122)", OutOfResourcesError],
      ["Read-only file system (os error 30)", PermissionError],
      ["attempt to write a readonly database", PermissionError],
      ["Permission denied (os error 13)", PermissionError],
    ] as const
  ) assertInstanceOf(openError("chat.db", new Error(message)), kind, message);
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

Deno.test("sqlite history deletes expired messages while the server runs", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/chat.db`;
    {
      await using history = createSqliteHistory({ path, log, retention: { maxMessages: 10 } });
      const room = await history.open("#a", () => {});
      for (let count = 0; count < 600; count++) await publish(room, { text: "x" });
    }
    using db = new DatabaseSync(path, { readOnly: true });
    const stored = Number(db.prepare("SELECT count(*) AS count FROM messages").get()?.count);
    assert(stored < 300, `${stored} messages are in the file, 10 need be kept`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
