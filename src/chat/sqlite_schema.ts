import type { DatabaseSync } from "node:sqlite";
import { readState, RoomState } from "./decision.ts";

/** Rows per DELETE statement, because a long one would block all clients. */
export const DELETE_BATCH = 1_024;

/**
 * `active` is the time of a room's last message in milliseconds, NULL if none is kept. `key` of a message is the hash
 * of its sender and `id`.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rooms (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    topic TEXT NOT NULL DEFAULT '', active INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    room INTEGER NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
    action INTEGER NOT NULL, id TEXT, key BLOB, PRIMARY KEY (room, seq)
  ) STRICT, WITHOUT ROWID;
`;

/** `subject` is unique per kind, see {@linkcode Restriction}; `until` is in milliseconds since 1970. */
const RESTRICTIONS = `
  CREATE TABLE IF NOT EXISTS restrictions (
    room INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, until INTEGER, PRIMARY KEY (room, kind, subject)
  ) STRICT, WITHOUT ROWID;
`;

const INDEXES = `
  CREATE UNIQUE INDEX IF NOT EXISTS message_keys ON messages (room, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS active_rooms ON rooms (active) WHERE active IS NOT NULL;
`;

/** From the first version, where an \`id\` was everybody's and a room once visited was never forgotten. */
const FROM_1 = `
  ALTER TABLE rooms ADD COLUMN active INTEGER;
  ALTER TABLE messages ADD COLUMN key BLOB;
  DROP INDEX message_ids;
  UPDATE rooms SET active = (
    SELECT CAST(strftime('%s', at) AS INTEGER) * 1000 + 999 FROM messages WHERE room = rooms.id ORDER BY seq DESC LIMIT 1
  );
  DELETE FROM rooms WHERE active IS NULL AND state IS NULL;
`;

/** From the second version, where all bans and mutes of a room were one value, written whole for each decision. */
function migrateFrom2(db: DatabaseSync): void {
  db.exec("ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT ''");
  const setTopic = db.prepare("UPDATE rooms SET topic = ? WHERE id = ?");
  const restrict = db.prepare("INSERT OR REPLACE INTO restrictions (room, kind, subject, until) VALUES (?, ?, ?, ?)");
  for (const { id, state } of db.prepare("SELECT id, state FROM rooms WHERE state IS NOT NULL").all()) {
    const { topic, restrictions } = stateOf(String(state));
    setTopic.run(topic, Number(id));
    for (const { kind, subject, untilMs } of restrictions.list()) {
      restrict.run(Number(id), kind, subject, untilMs ?? null);
    }
  }
  db.exec("ALTER TABLE rooms DROP COLUMN state");
}

/** An invalid state counts as empty. */
function stateOf(json: string): RoomState {
  try {
    return readState(JSON.parse(json));
  } catch {
    // SyntaxError or TypeError means an invalid state.
    return new RoomState();
  }
}

const VERSION = 3;

/** Always writes, so that a read-only file is detected before the first message. */
export const WRITE = `PRAGMA user_version=${VERSION}`;

/** Creates or migrates the tables. */
export function createTables(db: DatabaseSync): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (version > VERSION) throw new Error("it was created by a newer version of Parley");
  db.exec(`BEGIN IMMEDIATE; ${version === 1 ? FROM_1 : SCHEMA} ${RESTRICTIONS} ${INDEXES}`);
  if (version === 1 || version === 2) migrateFrom2(db);
  db.exec("COMMIT");
  db.exec(WRITE);
}

/** The statements of a history. */
export type Statements = ReturnType<typeof prepareStatements>;

/** Prepares the statements. */
export function prepareStatements(db: DatabaseSync) {
  const moderated =
    "EXISTS (SELECT 1 FROM restrictions WHERE room = rooms.id AND (until IS NULL OR until > ?)) AS moderated";
  const columns = "seq, at, sender, text, action, id";
  return {
    countRooms: db.prepare("SELECT count(*) AS count FROM rooms WHERE key NOT LIKE 'gone %'"),
    addRoom: db.prepare("INSERT INTO rooms (key, name, epoch, seq) VALUES (?, ?, ?, 0) RETURNING id"),
    findRoom: db.prepare("SELECT id, epoch, seq, topic FROM rooms WHERE key = ?"),
    roomsByActivity: db.prepare(`SELECT id, ${moderated} FROM rooms WHERE key NOT LIKE 'gone %' ORDER BY active`),
    longestInactive: db.prepare(
      `SELECT id, key, topic, active, ${moderated} FROM rooms WHERE active IS NOT NULL ORDER BY active LIMIT 1`,
    ),
    setSeq: db.prepare("UPDATE rooms SET seq = ?, active = ? WHERE id = ?"),
    setTopic: db.prepare("UPDATE rooms SET topic = ? WHERE id = ?"),
    restrictions: db.prepare("SELECT kind, subject, until FROM restrictions WHERE room = ?"),
    restrict: db.prepare("INSERT OR REPLACE INTO restrictions (room, kind, subject, until) VALUES (?, ?, ?, ?)"),
    lift: db.prepare("DELETE FROM restrictions WHERE room = ? AND kind = ? AND subject = ?"),
    deleteEnded: db.prepare("DELETE FROM restrictions WHERE room = ? AND until <= ?"),
    deleteRestrictions: db.prepare("DELETE FROM restrictions WHERE room = ?"),
    setEmpty: db.prepare("UPDATE rooms SET active = NULL WHERE id = ?"),
    /** Hides the room; its messages are deleted in batches. */
    abandonRoom: db.prepare("UPDATE rooms SET key = 'gone ' || id, topic = '', active = 0 WHERE id = ?"),
    deleteRoom: db.prepare("DELETE FROM rooms WHERE id = ?"),
    insert: db.prepare(
      "INSERT INTO messages (room, seq, at, sender, text, action, id, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    findKey: db.prepare("SELECT seq, text FROM messages WHERE room = ? AND key = ?"),
    firstSeq: db.prepare("SELECT seq FROM messages WHERE room = ? ORDER BY seq LIMIT 1"),
    bounds: db.prepare(
      `SELECT min(seq) AS first, (SELECT at FROM messages WHERE room = ? ORDER BY seq DESC LIMIT 1) AS lastAt
       FROM messages WHERE room = ?`,
    ),
    atOf: db.prepare("SELECT at FROM messages WHERE room = ? AND seq = ?"),
    after: db.prepare(`SELECT ${columns} FROM messages WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?`),
    last: db.prepare(
      `SELECT ${columns} FROM messages WHERE room = ? AND seq >= ? AND seq <= ? ORDER BY seq DESC LIMIT ?`,
    ),
    forget: db.prepare(
      `DELETE FROM messages WHERE room = ? AND seq IN
       (SELECT seq FROM messages WHERE room = ? AND seq < ? ORDER BY seq LIMIT ?)`,
    ),
    pages: db.prepare(
      "SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    ),
  };
}
