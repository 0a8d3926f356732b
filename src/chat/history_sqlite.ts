import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import { ChatError } from "./chat_error.ts";
import { expiryClock, type ExpiryClockOptions } from "./expiry_clock.ts";
import { decided, type Decision } from "./decision.ts";
import type { History, OnDecision, OnMessage, Receipt, Retention, RoomLog, RoomState } from "./history.ts";
import { idConflict } from "./id_conflict.ts";
import type { Draft, RoomMessage } from "./message.ts";
import { keyOf } from "./names.ts";
import { openError, prepareFile } from "./sqlite_open_error.ts";

/** What {@linkcode createSqliteHistory} must be told. */
export interface SqliteHistoryOptions extends ExpiryClockOptions {
  /** The database; it is made where it is missing. */
  readonly path: string;
  readonly retention: Retention;
  readonly log: Logger;
}

/** Messages of one room between two looks for those that need no longer be kept. */
const PRUNE_EVERY = 256;
/** Messages that are deleted at a time: more would hold up everyone. */
const PRUNE_BATCH = 1_024;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rooms (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    state TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    room INTEGER NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL,
    action INTEGER NOT NULL, id TEXT, PRIMARY KEY (room, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS message_ids ON messages (room, id) WHERE id IS NOT NULL;
`;

/** Writes in any case: a file that cannot be written is found before the first message. */
const WRITE = "PRAGMA user_version=1";

/** One message that waits for the end of the turn. */
interface Pending {
  readonly log: SqliteLog;
  readonly draft: Draft;
  readonly onSettled: (outcome: Receipt | ChatError) => void;
}

/** What was done with it, told once it is committed. */
type Stored = { readonly message: RoomMessage } | { readonly outcome: Receipt | ChatError };

/**
 * Keeps the messages of all rooms in a SQLite database. What comes in one turn
 * is stored in one transaction, and nobody is told of a message before it is
 * committed: from then on it survives the end of the process, whatever ends it
 * (WAL with `synchronous=NORMAL`; a power failure can take the last moments).
 *
 * @throws {PermissionError} The sandbox or the system forbids it; the message says what is missing.
 * @throws {UsageError} The file is no database, or another server uses it.
 */
export function createSqliteHistory(options: SqliteHistoryOptions): History {
  try {
    return new SqliteHistory(options);
  } catch (error) {
    throw openError(options.path, error);
  }
}

class SqliteHistory implements History {
  readonly #db: DatabaseSync;
  readonly #log: Logger;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #expiryNow: () => number;
  #pending: Pending[] = [];
  #isFailing = false;

  constructor(options: SqliteHistoryOptions) {
    const { path, retention, log, now = Date.now } = options;
    this.#log = log;
    this.#retention = retention;
    this.#now = now;
    this.#expiryNow = expiryClock(options);
    prepareFile(path);
    this.#db = new DatabaseSync(path);
    try {
      // Exclusive: a second server on the same file would give out the same numbers.
      this.#db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
      // Each checkpoint waits for the disk: with eight times the usual pages between two, a message costs a third less.
      this.#db.exec("PRAGMA wal_autocheckpoint=8000");
      this.#db.exec(SCHEMA);
      this.#db.exec(WRITE);
      this.#statements = prepare(this.#db);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  get fault(): string | undefined {
    if (!this.#isFailing) return undefined;
    try {
      this.#db.exec(WRITE);
      this.#isFailing = false;
      return undefined;
    } catch (error) {
      return `messages cannot be stored: ${messageOf(error)}`;
    }
  }

  open(name: string, onMessage: OnMessage, onDecision?: OnDecision): Promise<RoomLog> {
    try {
      const { findRoom, addRoom, bounds } = this.#statements;
      const key = keyOf(name);
      addRoom.run(key, name, crypto.randomUUID().slice(0, 8));
      const row = rowOf(findRoom.get(key));
      const id = Number(row.id);
      const seq = Number(row.seq);
      const { first, lastAt } = rowOf(bounds.get(id, id));
      const kept = { firstSeq: Number(first ?? seq + 1), lastAt: String(lastAt ?? "") };
      const log = new SqliteLog(
        this,
        { id, name, epoch: String(row.epoch), seq, state: stateOf(row), ...kept },
        onMessage,
        onDecision,
      );
      this.prune(log);
      return Promise.resolve(log);
    } catch (error) {
      return Promise.reject(this.#failed("opening a room", error));
    }
  }

  publish(pending: Pending): void {
    this.#pending.push(pending);
    if (this.#pending.length === 1) queueMicrotask(() => this.#commit());
  }

  after(log: SqliteLog, seq: number, limit: number): Promise<readonly RoomMessage[] | undefined> {
    return this.#read(() => {
      this.prune(log);
      if (seq > log.seq || seq + 1 < log.firstSeq) return undefined;
      return this.#statements.after.all(log.id, seq, limit).map((row) => messageOfRow(log, row));
    });
  }

  last(log: SqliteLog, limit: number, upTo: number): Promise<readonly RoomMessage[]> {
    return this.#read(() => {
      this.prune(log);
      return this.#statements.last.all(log.id, log.firstSeq, upTo, limit).map((row) => messageOfRow(log, row))
        .reverse();
    });
  }

  /** Stores a topic, a ban or a mute. */
  keep(log: SqliteLog, state: RoomState): void {
    try {
      this.#statements.setState.run(JSON.stringify(state), log.id);
    } catch (error) {
      throw this.#failed("storing a topic, a ban or a mute", error);
    }
  }

  /** Forgets at once what need no longer be kept of a room, and deletes some of it. */
  prune(log: SqliteLog): void {
    const { maxMessages, maxAgeMs } = this.#retention;
    log.firstSeq = Math.max(log.firstSeq, log.seq - maxMessages + 1);
    if (maxAgeMs !== undefined) log.firstSeq = this.#firstSince(log, new Date(this.#expiryNow() - maxAgeMs));
    this.#statements.forget.run(log.id, log.id, log.firstSeq, PRUNE_BATCH);
    log.prunedAt = log.seq;
  }

  /** Number of the first message that is not older: times do not fall within a room, so it can be searched by halves. */
  #firstSince(log: SqliteLog, oldest: Date): number {
    const oldestAt = oldest.toISOString();
    let [low, high] = [log.firstSeq, log.seq + 1];
    // Mostly it is the first that is kept.
    for (let middle = low; low < high; middle = Math.floor((low + high) / 2)) {
      const row = this.#statements.atOf.get(log.id, middle);
      if (row === undefined || String(row.at) < oldestAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#db.close();
    return Promise.resolve();
  }

  #commit(): void {
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length === 0) return;
    let stored: Stored[];
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      stored = this.#insertAll(pending);
      this.#db.exec("COMMIT");
      this.#isFailing = false;
    } catch (error) {
      this.#rollBack();
      const outcome = this.#failed("storing", error);
      for (const { onSettled } of pending) onSettled(outcome);
      return;
    }
    for (const [index, what] of stored.entries()) {
      const { log, onSettled } = pending[index] ?? unreachable();
      if ("message" in what) {
        const { seq, epoch } = what.message;
        log.tell(what.message);
        onSettled({ seq, epoch, isDuplicate: false });
      } else onSettled(what.outcome);
    }
  }

  /** Inserts in order; numbers count only once they are committed. */
  #insertAll(pending: readonly Pending[]): Stored[] {
    const { insert, setSeq } = this.#statements;
    const lastSeqs = new Map<SqliteLog, number>();
    const now = new Date(this.#now()).toISOString();
    const stored = pending.map(({ log, draft }): Stored => {
      const outcome = this.#duplicate(log, draft);
      if (outcome !== undefined) return { outcome };
      const seq = (lastSeqs.get(log) ?? log.seq) + 1;
      lastSeqs.set(log, seq);
      // The clock may have been set back.
      const at = log.lastAt = now > log.lastAt ? now : log.lastAt;
      insert.run(log.id, seq, at, draft.from, draft.text, draft.action ? 1 : 0, draft.id ?? null);
      return { message: { type: "message", room: log.name, seq, epoch: log.epoch, at, ...draft } };
    });
    for (const [log, seq] of lastSeqs) {
      setSeq.run(seq, log.id);
      if (seq - log.prunedAt >= PRUNE_EVERY) this.prune(log);
    }
    return stored;
  }

  #duplicate(log: SqliteLog, draft: Draft): Receipt | ChatError | undefined {
    if (draft.id === undefined) return undefined;
    const row = this.#statements.findId.get(log.id, draft.id);
    if (row === undefined) return undefined;
    return row.text === draft.text ? { seq: Number(row.seq), epoch: log.epoch, isDuplicate: true } : idConflict(draft);
  }

  #rollBack(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch (error) {
      this.#log.error("rolling back failed", { error: messageOf(error) });
    }
  }

  #read<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(this.#failed("reading", error));
    }
  }

  /** Logged once a burst: a full disk fails every message. */
  #failed(doing: string, cause: unknown): ChatError {
    if (!this.#isFailing) this.#log.error(`the history fails: ${doing}`, { error: messageOf(cause) });
    this.#isFailing = true;
    return new ChatError("not-stored", `The server's history fails: ${messageOf(cause)}; nothing was stored`, {
      cause,
    });
  }
}

class SqliteLog implements RoomLog {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  seq: number;
  state: RoomState | undefined;
  /** Number of the first message that is still kept. */
  firstSeq: number;
  /** When the last message was stored. */
  lastAt: string;
  /** The last number at the last look for what to forget. */
  prunedAt: number;
  readonly #history: SqliteHistory;
  #onMessage: OnMessage | undefined;
  #onDecision: OnDecision | undefined;

  constructor(
    history: SqliteHistory,
    row: Pick<SqliteLog, "id" | "name" | "epoch" | "seq" | "state" | "firstSeq" | "lastAt">,
    onMessage: OnMessage,
    onDecision: OnDecision | undefined,
  ) {
    this.#history = history;
    this.id = row.id;
    this.name = row.name;
    this.epoch = row.epoch;
    this.seq = this.prunedAt = row.seq;
    this.state = row.state;
    this.firstSeq = row.firstSeq;
    this.lastAt = row.lastAt;
    this.#onMessage = onMessage;
    this.#onDecision = onDecision;
  }

  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    this.#history.publish({ log: this, draft, onSettled });
  }

  tell(message: RoomMessage): void {
    this.seq = message.seq;
    this.#onMessage?.(message);
  }

  after(seq: number, limit: number): Promise<readonly RoomMessage[] | undefined> {
    return this.#history.after(this, seq, limit);
  }

  last(limit: number, upTo: number): Promise<readonly RoomMessage[]> {
    return this.#history.last(this, limit, upTo);
  }

  decide(decision: Decision): void {
    const state = decided(this.state, decision);
    if (state !== undefined && state !== this.state) this.#history.keep(this, state);
    this.state = state;
    this.#onDecision?.(decision, state);
  }

  close(): void {
    this.#onMessage = undefined;
    this.#onDecision = undefined;
  }
}

type Row = ReturnType<StatementSync["all"]>[number];

function prepare(db: DatabaseSync) {
  const columns = "seq, at, sender, text, action, id";
  return {
    addRoom: db.prepare("INSERT INTO rooms (key, name, epoch, seq) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING"),
    findRoom: db.prepare("SELECT id, epoch, seq, state FROM rooms WHERE key = ?"),
    setSeq: db.prepare("UPDATE rooms SET seq = ? WHERE id = ?"),
    setState: db.prepare("UPDATE rooms SET state = ? WHERE id = ?"),
    insert: db.prepare("INSERT INTO messages (room, seq, at, sender, text, action, id) VALUES (?, ?, ?, ?, ?, ?, ?)"),
    findId: db.prepare("SELECT seq, text FROM messages WHERE room = ? AND id = ?"),
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
  };
}

function messageOfRow(log: SqliteLog, row: Row): RoomMessage {
  return {
    type: "message",
    room: log.name,
    seq: Number(row.seq),
    epoch: log.epoch,
    at: String(row.at),
    from: String(row.sender),
    text: String(row.text),
    ...(row.action === 1 ? { action: true as const } : {}),
    ...(row.id === null ? {} : { id: String(row.id) }),
  };
}

/** What {@linkcode RoomLog.decide} wrote. */
function stateOf({ state }: Row): RoomState | undefined {
  return typeof state === "string" ? JSON.parse(state) as RoomState : undefined;
}

function rowOf(row: Row | undefined): Row {
  return row ?? unreachable();
}

function unreachable(): never {
  throw new Error("the history lost a row it had just written");
}
