import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { Logger } from "@parley/parley";
import { ChatError } from "../../src/chat/chat_error.ts";
import type { History, Receipt, Retention, RoomLog } from "../../src/chat/history.ts";
import { createMemoryHistory } from "../../src/chat/history_memory.ts";
import { createSqliteHistory } from "../../src/chat/history_sqlite.ts";
import { Hub } from "../../src/chat/hub.ts";
import { setLogTarget } from "../../src/log/logger.ts";
import type { Draft } from "../../src/chat/message.ts";
import { FakeSession } from "../support/fake_session.ts";

const log = Logger.of("test");

function publish(room: RoomLog, draft: Partial<Draft> & { text: string }): Promise<Receipt | ChatError> {
  return new Promise((resolve) => room.publish({ from: "alice", ...draft }, resolve));
}

async function openRoom(history: History, name: string): Promise<RoomLog> {
  return await history.open(name, () => {});
}

/** Both that keep messages here. */
const HISTORIES: Readonly<Record<string, (path: string, retention: Retention) => History>> = {
  memory: (_path, retention) => createMemoryHistory({ retention }),
  sqlite: (path, retention) => createSqliteHistory({ path, retention, log }),
};

for (const [name, create] of Object.entries(HISTORIES)) {
  const test = (what: string, retention: Retention, run: (history: History) => Promise<void>) =>
    Deno.test(`${name} history: ${what}`, async () => {
      const path = await Deno.makeTempFile();
      {
        await using history = create(path, retention);
        await run(history);
      }
      await Deno.remove(path);
    });

  const SMALL = { maxMessages: 10_000, maxBytes: 8 * 1024 * 1024 };

  test("the oldest messages of the longest inactive rooms are deleted first (chat H4)", SMALL, async (history) => {
    const text = "é".repeat(4_000);
    const [idle, busy] = [await openRoom(history, "#idle"), await openRoom(history, "#busy")];
    for (let count = 0; count < 400; count++) await publish(idle, { text });
    await publish(busy, { text });
    // The most recently used room is the last to lose messages.
    const kept = async (room: RoomLog) => (await room.last(10_000, room.seq)).length;
    // Cheaper than to count what is kept after each message.
    const isWhole = async (room: RoomLog) => await room.after(0, 1) !== undefined;
    while (await isWhole(idle)) await publish(busy, { text: "y" + text });
    assertEquals(await kept(busy), busy.seq);
    const [oldest] = await idle.last(10_000, idle.seq);
    assertEquals(oldest?.seq ?? idle.seq + 1, 400 - await kept(idle) + 1);
    while (await isWhole(busy)) await publish(busy, { text });
    assertEquals(await kept(idle), 0);
    assert(busy.seq > 600, `${busy.seq} messages were stored`);
  });

  test(
    "a room without messages, topic, bans and mutes leaves nothing (chat M10)",
    { maxMessages: 9 },
    async (history) => {
      const epochOf = async (work: (room: RoomLog) => unknown): Promise<[before: string, after: string]> => {
        const room = await openRoom(history, "#a");
        await work(room);
        room.close();
        const again = await openRoom(history, "#a");
        again.close();
        return [room.epoch, again.epoch];
      };
      const [blank, blankAgain] = await epochOf(() => {});
      assert(blank !== blankAgain);
      const [lifted, liftedAgain] = await epochOf(async (room) => {
        await room.decide({ action: "ban", by: "ann", nick: "bob" });
        await room.decide({ action: "unban", by: "ann", nick: "bob" });
      });
      assert(lifted !== liftedAgain);
      const [expired, expiredAgain] = await epochOf((room) =>
        room.decide({ action: "mute", by: "ann", nick: "bob", untilMs: Date.now() - 1 })
      );
      assert(expired !== expiredAgain);
      const [spoken, spokenAgain] = await epochOf((room) => publish(room, { text: "x" }));
      assertEquals(spoken, spokenAgain);
    },
  );

  test("a message that is under way keeps its room (chat M10)", { maxMessages: 9 }, async (history) => {
    const room = await openRoom(history, "#a");
    const publishing = publish(room, { text: "x" });
    room.close();
    const again = await openRoom(history, "#a");
    assertEquals(await publish(again, { text: "y" }), { seq: 2, epoch: room.epoch, isDuplicate: false });
    await publishing;
    assertEquals((await again.last(9, again.seq)).map(({ text }) => text), ["x", "y"]);
  });

  test(
    "forgetting a room frees its bytes",
    { maxMessages: 10_000, maxRooms: 1, maxBytes: 8 * 1024 * 1024 },
    async (history) => {
      const text = "x".repeat(4_000);
      for (let count = 0; count < 20; count++) {
        const room = await openRoom(history, `#r${count}`);
        for (let message = 0; message < 100; message++) await publish(room, { text });
        // As many as fit on their own.
        assertEquals((await room.last(10_000, room.seq)).length, 100, `room ${count}`);
        room.close();
      }
    },
  );

  test(
    "of too many empty rooms those with bans are forgotten last (chat H7)",
    { maxMessages: 9, maxRooms: 10 },
    async (history) => {
      const banned = await openRoom(history, "#banned");
      await banned.decide({ action: "ban", by: "ann", nick: "bob" });
      await publish(banned, { text: "x" });
      banned.close();
      const first = await openRoom(history, "#first");
      await publish(first, { text: "x" });
      first.close();
      for (let count = 0; count < 50; count++) {
        const room = await openRoom(history, `#r${count}`);
        await publish(room, { text: "x" });
        room.close();
      }
      const again = await openRoom(history, "#banned");
      assertEquals(again.state.restrictions.list().map(({ subject }) => subject), ["bob"]);
      assertEquals((await again.last(9, again.seq)).length, 1);
      assert((await openRoom(history, "#first")).epoch !== first.epoch);
      const newest = await openRoom(history, "#r49");
      assertEquals((await newest.last(9, newest.seq)).length, 1);
    },
  );
}

Deno.test("memory history: an expired room is forgotten when it is left, and bounded when it is used again", async () => {
  let nowMs = 0;
  const retention = { maxMessages: 10_000, maxAge: "1s", maxBytes: 100_000 };
  await using history = createMemoryHistory({ retention, now: () => nowMs, monotonicNow: () => nowMs });
  const room = await openRoom(history, "#a");
  await publish(room, { text: "x" });
  nowMs += 1_001;
  room.close();
  const again = await openRoom(history, "#a");
  assert(again.epoch !== room.epoch);
  await publish(again, { text: "x" });
  nowMs += 1_001;
  assertEquals(await again.last(10, again.seq), []);
  for (let count = 0; count < 100; count++) await publish(again, { text: "y".repeat(1_000) });
  assert((await again.last(1_000, again.seq)).length < 50);
});

Deno.test("sqlite history stores pending messages when it closes, and rejects later ones", async () => {
  const path = await Deno.makeTempFile();
  const options = { path, log, retention: { maxMessages: 9 } };
  const history = createSqliteHistory(options);
  const publishing = publish(await openRoom(history, "#a"), { text: "last words" });
  await history[Symbol.asyncDispose]();
  assert(!(await publishing instanceof ChatError));
  const refusal = await openRoom(history, "#b").catch((error: unknown) => error);
  assert(refusal instanceof ChatError);
  assertEquals(refusal.code, "not-stored");
  {
    await using reopened = createSqliteHistory(options);
    const room = await openRoom(reopened, "#a");
    assertEquals((await room.last(9, room.seq)).map(({ text }) => text), ["last words"]);
  }
  await Deno.remove(path);
});

Deno.test("a banned visitor does not get an empty room by visiting others (chat H7)", async () => {
  await using hub = new Hub({ log, history: createMemoryHistory({ retention: { maxMessages: 9 } }) });
  const [ann, bob] = [hub.enter(new FakeSession()), hub.enter(new FakeSession())];
  hub.renaming.rename(bob, "bob");
  await hub.join(ann, "#tea");
  const room = hub.roomOf(ann);
  await room.log.decide({ action: "ban", by: ann.nick, nick: "bob" });
  hub.leave(ann);
  for (let count = 0; count < 200; count++) {
    await hub.join(bob, `#r${count}`);
    hub.part(bob, hub.roomOf(bob));
  }
  const refusal = await hub.join(bob, "#tea").catch((error: unknown) => error);
  assert(refusal instanceof ChatError);
  assertEquals(refusal.code, "banned");
});

Deno.test("a server limits the number of rooms, and an abandoned room frees its place (chat H4)", async () => {
  const history = createMemoryHistory({ retention: { maxMessages: 9, maxRooms: 3 } });
  await using hub = new Hub({ log, history, maxRooms: 3 });
  const member = hub.enter(new FakeSession());
  for (const name of ["#a", "#b", "#c"]) await hub.join(member, name);
  const refusal = await hub.join(member, "#d").catch((error: unknown) => error);
  assert(refusal instanceof ChatError);
  assertEquals([refusal.code, refusal.message], ["too-many-rooms", "This server has 3 rooms, the maximum"]);
  hub.part(member, hub.roomOf(member, "#b"));
  await hub.join(member, "#d");
  assertEquals(hub.roomOf(member).name, "#d");
});

Deno.test("sqlite history keeps as many rooms as maxRooms, without the one that was empty longest (chat H4)", async () => {
  const path = await Deno.makeTempFile();
  {
    let nowMs = Date.now();
    const options = { path, log, now: () => nowMs += 10, retention: { maxMessages: 9, maxRooms: 3 } };
    await using history = createSqliteHistory(options);
    const visit = async (name: string) => {
      const room = await openRoom(history, name);
      const { seq } = room;
      await publish(room, { text: "x" });
      room.close();
      return seq;
    };
    for (const name of ["#a", "#b", "#c"]) assertEquals(await visit(name), 0);
    assertEquals([await visit("#a"), await visit("#d")], [1, 0]);
    assertEquals([await visit("#a"), await visit("#c"), await visit("#d"), await visit("#b")], [2, 1, 1, 0]);
  }
  await Deno.remove(path);
});

Deno.test("sqlite history counts open rooms without messages as rooms", async () => {
  const path = await Deno.makeTempFile();
  {
    await using history = createSqliteHistory({ path, log, retention: { maxMessages: 9, maxRooms: 2 } });
    const first = await openRoom(history, "#a");
    await publish(first, { text: "x" });
    first.close();
    for (const name of ["#b", "#c"]) await openRoom(history, name);
    assertEquals((await openRoom(history, "#a")).seq, 0);
  }
  await Deno.remove(path);
});

Deno.test("sqlite history skips unreadable entries, and keeps the rest (chat H1)", async () => {
  const path = await Deno.makeTempFile();
  const options = { path, log, retention: { maxMessages: 9 } };
  {
    await using history = createSqliteHistory(options);
    await (await openRoom(history, "#a")).decide({ action: "topic", by: "ann", topic: "tea" });
    await (await openRoom(history, "#a")).decide({ action: "ban", by: "ann", nick: "cy" });
  }
  {
    using db = new DatabaseSync(path);
    const add = db.prepare("INSERT INTO restrictions (room, kind, subject, until) VALUES (1, ?, ?, ?)");
    add.run("mute", "bob", 9_000_000_000_000_000);
    add.run("nonsense", "dan", null);
  }
  const logged: unknown[] = [];
  setLogTarget({
    isEnabled: (level) => level === "error",
    write: ({ text, fields: { room, subject } }) => void logged.push([text, room, subject]),
  });
  await using history = createSqliteHistory(options);
  const { state } = await openRoom(history, "#a");
  assertEquals(state.topic, "tea");
  assertEquals(state.restrictions.list(), [{ kind: "ban", subject: "cy", untilMs: undefined }]);
  assertEquals(logged, ["bob", "dan"].map((subject) => ["a ban or mute cannot be read", "#a", subject]));
  await Deno.remove(path);
});

Deno.test("sqlite history takes over topics, bans and mutes of the second version (chat M3)", async () => {
  const path = await Deno.makeTempFile();
  const untilMs = Date.now() + 60_000;
  {
    using db = new DatabaseSync(path);
    db.exec(`
      CREATE TABLE rooms (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
        state TEXT, active INTEGER
      ) STRICT;
      CREATE TABLE messages (
        room INTEGER NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
        action INTEGER NOT NULL, id TEXT, key BLOB, PRIMARY KEY (room, seq)
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = 2`);
    const add = db.prepare("INSERT INTO rooms (key, name, epoch, seq, state) VALUES (?1, ?1, 'e', 0, ?2)");
    const restrictions = [
      { kind: "mute", subject: "bob", untilMs: 8.64e19 },
      { kind: "ban", subject: "cy" },
      { kind: "mute", subject: "10.0.0.0/8", untilMs },
      { kind: "ban", subject: "late", untilMs: 1 },
      7,
      null,
    ];
    add.run("#a", JSON.stringify({ topic: "tea", restrictions }));
    add.run("#b", "{");
    add.run("#c", null);
  }
  for (let round = 0; round < 2; round++) {
    await using history = createSqliteHistory({ path, log, retention: { maxMessages: 9 } });
    const { state } = await openRoom(history, "#a");
    assertEquals(state.topic, "tea");
    assertEquals(state.restrictions.list(), [
      { kind: "ban", subject: "cy", untilMs: undefined },
      { kind: "mute", subject: "10.0.0.0/8", untilMs },
    ]);
    assertEquals([(await openRoom(history, "#b")).state.isBlank, (await openRoom(history, "#b")).epoch], [true, "e"]);
  }
  await Deno.remove(path);
});

Deno.test("sqlite history stores each ban by itself, whatever others there are (chat M3)", async () => {
  const path = await Deno.makeTempFile();
  const options = { path, log, retention: { maxMessages: 9 } };
  const stored = (db: DatabaseSync) => Number(db.prepare("SELECT count(*) AS count FROM restrictions").get()?.count);
  {
    await using history = createSqliteHistory(options);
    const room = await openRoom(history, "#a");
    for (let count = 0; count < 400; count++) await room.decide({ action: "ban", by: "ann", nick: `u${count}` });
    // One that looks like another takes its place, and both go with one of them.
    await room.decide({ action: "ban", by: "ann", nick: "ivan" });
    await room.decide({ action: "ban", by: "ann", nick: "lvan", untilMs: Date.now() + 60_000 });
    await room.decide({ action: "unban", by: "ann", nick: "u7" });
    await room.decide({ action: "unban", by: "ann", nick: "nobody" });
  }
  {
    using db = new DatabaseSync(path);
    assertEquals(stored(db), 400);
  }
  {
    await using history = createSqliteHistory(options);
    const room = await openRoom(history, "#a");
    assertEquals(room.state.restrictions.size, 400);
    assertEquals(room.state.restrictions.get("ban", "ivan")?.subject, "lvan");
    assertEquals(room.state.restrictions.get("ban", "u7"), undefined);
    await room.decide({ action: "unban", by: "ann", nick: "1van" });
  }
  using db = new DatabaseSync(path);
  assertEquals(stored(db), 399);
  await Deno.remove(path);
});

Deno.test("sqlite history takes over a database of the first version (chat H3)", async () => {
  const path = await Deno.makeTempFile();
  {
    using db = new DatabaseSync(path);
    db.exec(`
      CREATE TABLE rooms (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, state TEXT) STRICT;
      CREATE TABLE messages (room INTEGER NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL,
        text TEXT NOT NULL, action INTEGER NOT NULL, id TEXT, PRIMARY KEY (room, seq)) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX message_ids ON messages (room, id) WHERE id IS NOT NULL;
      INSERT INTO rooms VALUES (1, '#a', '#a', 'e1', 1, NULL), (2, '#visited', '#visited', 'e2', 0, NULL);
      INSERT INTO messages VALUES (1, 1, '${new Date().toISOString()}', 'ann', 'hello', 0, 'id-1');
      PRAGMA user_version=1;
    `);
  }
  {
    await using history = createSqliteHistory({ path, log, retention: { maxMessages: 9, maxAge: 60_000 } });
    const room = await openRoom(history, "#a");
    assertEquals([room.epoch, room.seq], ["e1", 1]);
    assertEquals(await publish(room, { text: "more", id: "id-2" }), { seq: 2, epoch: "e1", isDuplicate: false });
    assertEquals((await room.last(9, 2)).map(({ text, id }) => [text, id]), [["hello", "id-1"], ["more", "id-2"]]);
    assert((await openRoom(history, "#visited")).epoch !== "e2");
  }
  await Deno.remove(path);
});

Deno.test("sqlite history forgets rooms whose messages have all expired, a little at a time (chat M10)", async () => {
  const path = await Deno.makeTempFile();
  let nowMs = 1_000_000;
  const now = () => nowMs;
  {
    const retention = { maxMessages: 100_000, maxAge: "1m" };
    await using history = createSqliteHistory({ path, log, retention, now, monotonicNow: now });
    const rooms = await Promise.all(Array.from({ length: 20 }, (_, index) => openRoom(history, `#r${index}`)));
    await Promise.all(rooms.flatMap((room) => Array.from({ length: 100 }, () => publish(room, { text: "x" }))));
    for (const room of rooms) room.close();
    nowMs += 60_001;
    for (let count = 0; count < 3; count++) (await openRoom(history, "#other")).close();
  }
  using db = new DatabaseSync(path);
  assertEquals(Number(db.prepare("SELECT count(*) AS count FROM rooms").get()?.count), 0);
  assertEquals(Number(db.prepare("SELECT count(*) AS count FROM messages").get()?.count), 0);
  await Deno.remove(path);
});

Deno.test("sqlite history keeps bans through a clock that is set forward and back (attack 11)", async () => {
  const path = await Deno.makeTempFile();
  let wallMs = Date.now();
  const options = { path, log, retention: { maxMessages: 9 }, now: () => wallMs, monotonicNow: () => 0 };
  {
    await using history = createSqliteHistory(options);
    const room = await openRoom(history, "#a");
    await room.decide({ action: "ban", by: "ann", nick: "bob", untilMs: wallMs + 60_000 });
    room.close();
    wallMs += 365 * 86_400_000;
    (await openRoom(history, "#a")).close();
    wallMs -= 365 * 86_400_000;
  }
  await using history = createSqliteHistory(options);
  assert((await openRoom(history, "#a")).state.restrictions.get("ban", "bob"));
  await Deno.remove(path);
});
