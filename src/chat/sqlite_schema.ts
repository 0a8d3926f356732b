import type { DatabaseSync } from "node:sqlite";

/** Rows that one statement deletes: a long delete would hold up everyone. */
export const DELETE_BATCH = 1_024;

/**
 * `active` is when a room's last message was stored, in milliseconds, NULL
 * where none is kept. `key` of a message is its sender and `id`, hashed.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rooms (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    state TEXT, active INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    room INTEGER NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
    action INTEGER NOT NULL, id TEXT, key BLOB, PRIMARY KEY (room, seq)
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

const VERSION = 2;

/** Writes in any case: a file that cannot be written is found before the first message. */
export const WRITE = `PRAGMA user_version=${VERSION}`;

/** Makes the tables, or those of an earlier version into those of this one. */
export function createTables(db: DatabaseSync): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (version > VERSION) throw new Error("a newer version of Parley made it");
  db.exec(`BEGIN IMMEDIATE; ${version === 1 ? FROM_1 : SCHEMA} ${INDEXES} COMMIT`);
  db.exec(WRITE);
}

/** The statements of a history. */
export type Statements = ReturnType<typeof prepareStatements>;

/** Prepares what a history asks of its database. */
export function prepareStatements(db: DatabaseSync) {
  const columns = "seq, at, sender, text, action, id";
  return {
    countRooms: db.prepare("SELECT count(*) AS count FROM rooms WHERE key NOT LIKE 'gone %'"),
    addRoom: db.prepare("INSERT INTO rooms (key, name, epoch, seq) VALUES (?, ?, ?, 0) RETURNING id"),
    findRoom: db.prepare("SELECT id, epoch, seq, state FROM rooms WHERE key = ?"),
    roomsByActivity: db.prepare("SELECT id, state FROM rooms WHERE key NOT LIKE 'gone %' ORDER BY active"),
    leastActive: db.prepare(
      "SELECT id, key, state, active FROM rooms WHERE active IS NOT NULL ORDER BY active LIMIT 1",
    ),
    setSeq: db.prepare("UPDATE rooms SET seq = ?, active = ? WHERE id = ?"),
    setState: db.prepare("UPDATE rooms SET state = ? WHERE id = ?"),
    setEmpty: db.prepare("UPDATE rooms SET active = NULL WHERE id = ?"),
    /** Nobody finds it any more; its messages are deleted bit by bit. */
    abandonRoom: db.prepare("UPDATE rooms SET key = 'gone ' || id, state = NULL, active = 0 WHERE id = ?"),
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
