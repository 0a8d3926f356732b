import { parseDuration } from "../base/units.ts";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../log/logger.ts";
import { ChatError } from "./chat_error.ts";
import { type Change, isRestriction } from "./decision.ts";
import { expiryClock, type ExpiryClockOptions } from "./expiry_clock.ts";
import {
  type History,
  MAX_ROOMS,
  type OnDecision,
  type OnMessage,
  type Receipt,
  type Retention,
  type RoomLog,
} from "./history.ts";
import { idConflict, repetitionKey, storedMessage } from "./message.ts";
import type { Draft, RoomMessage } from "./message.ts";
import { keyOf } from "./names.ts";
import { openError, prepareFile } from "./sqlite_open_error.ts";
import { messageOfRow, type Pending, type Row, SqliteLog, type SqliteLogHost } from "./sqlite_log.ts";
import { createTables, DELETE_BATCH, prepareStatements, type Statements, WRITE } from "./sqlite_schema.ts";

/** Options of {@linkcode createSqliteHistory}. */
export interface SqliteHistoryOptions extends ExpiryClockOptions {
  /** Path of the database; created if missing. */
  readonly path: string;
  readonly retention: Retention;
  readonly log: Logger;
}

/** Messages between cleanups. */
const PRUNE_EVERY = 256;

/** Maximum batches of messages deleted per cleanup. */
const MAX_BATCHES = 16;

/** Default maximum size of the database. */
const MAX_FILE_BYTES = 4 * 1024 ** 3;

/** Called once the work is committed. */
type Stored = { readonly message: RoomMessage } | { readonly outcome: Receipt | ChatError };

/**
 * Stores the messages of all rooms in a SQLite database. Everything from one turn of the event loop is stored in one
 * transaction, and no client receives a message before it is committed. It then survives any end of the process (WAL
 * with `synchronous=NORMAL`; a power failure may lose the last messages).
 *
 * @throws {PermissionError} The sandbox or the system denies access; the message says what is missing.
 * @throws {UsageError} The file is not a database, or another server uses it.
 */
export function createSqliteHistory(options: SqliteHistoryOptions): History {
  try {
    return new SqliteHistory(options);
  } catch (error) {
    throw openError(options.path, error);
  }
}

class SqliteHistory implements History, SqliteLogHost {
  readonly #db: DatabaseSync;
  readonly #log: Logger;
  readonly #statements: Statements;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #expiryNow: () => number;
  /** Open rooms. */
  readonly #open = new Set<SqliteLog>();
  /** Rooms in the database. */
  #rooms: number;
  /** Messages since the last cleanup. */
  #sinceSweep = 0;
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
      // Exclusive: a second server on the same file would assign the same numbers.
      this.#db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
      // Each checkpoint waits for the disk, so checkpoints are rarer than by default.
      this.#db.exec("PRAGMA wal_autocheckpoint=8000");
      createTables(this.#db);
      this.#statements = prepareStatements(this.#db);
      this.#rooms = Number(rowOf(this.#statements.countRooms.get()).count);
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
      const key = keyOf(name);
      // Left in this turn with a pending message.
      if (this.#pending.some(({ log }) => keyOf(log.name) === key)) this.#commit();
      const row = this.#statements.findRoom.get(key);
      if (row === undefined) this.#makePlace();
      const log = new SqliteLog(this, name, { onMessage, onDecision });
      if (row !== undefined) this.#restore(log, row);
      this.#open.add(log);
      this.sweep();
      return Promise.resolve(log);
    } catch (error) {
      return Promise.reject(this.#failed("opening a room", error));
    }
  }

  #restore(log: SqliteLog, row: Row): void {
    log.id = Number(row.id);
    log.epoch = String(row.epoch);
    log.seq = Number(row.seq);
    this.#restoreState(log, row);
    const { first, lastAt } = rowOf(this.#statements.bounds.get(log.id, log.id));
    log.firstSeq = Number(first ?? log.seq + 1);
    log.lastAt = String(lastAt ?? "");
    this.prune(log);
  }

  /** An invalid ban or mute must not keep anyone out of the room. */
  #restoreState(log: SqliteLog, { topic }: Row): void {
    log.state.topic = String(topic);
    for (const { kind, subject, until } of this.#statements.restrictions.all(log.id)) {
      const restriction = { kind, subject, untilMs: until ?? undefined };
      if (isRestriction(restriction)) log.state.restrictions.add(restriction);
      else this.#log.error("a ban or mute cannot be read", { room: log.name, subject: String(subject) });
    }
    this.#statements.deleteEnded.run(log.id, this.#expiryNow());
  }

  /** Deletes an empty room if there are too many, rooms with bans last. */
  #makePlace(): void {
    const maxRooms = this.#retention.maxRooms ?? MAX_ROOMS;
    const unwritten = this.#open.values().filter(({ id }) => id === 0).reduce((count) => count + 1, 0);
    if (this.#rooms + unwritten < maxRooms) return;
    const open = new Set(this.#open.values().map(({ id }) => id));
    let victim: number | undefined;
    for (const row of this.#statements.roomsByActivity.iterate(this.#expiryNow())) {
      if (open.has(Number(row.id))) continue;
      victim ??= Number(row.id);
      if (row.moderated === 1) continue;
      victim = Number(row.id);
      break;
    }
    if (victim !== undefined) this.#abandon(victim);
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
  keep(log: SqliteLog, changes: readonly Change[]): void {
    try {
      this.#inTransaction([log], () => {
        this.#write(log);
        for (const change of changes) this.#keep(log.id, change);
      });
    } catch (error) {
      throw this.#failed("storing a topic, a ban or a mute", error);
    }
  }

  #keep(room: number, change: Change): void {
    const { setTopic, restrict, lift } = this.#statements;
    if (change.type === "topic") setTopic.run(change.topic, room);
    else if (change.type === "lift") lift.run(room, change.kind, change.subject);
    else {
      const { kind, subject, untilMs } = change.restriction;
      restrict.run(room, kind, subject, untilMs ?? null);
    }
  }

  /** An empty room without messages, topic, bans and mutes is deleted. */
  close(log: SqliteLog): void {
    this.#open.delete(log);
    if (log.id === 0 || !log.state.isBlank || this.#pending.some((pending) => pending.log === log)) return;
    try {
      this.prune(log);
      if (log.firstSeq > log.seq) this.#abandon(log.id);
    } catch (error) {
      this.#failed("forgetting a room", error);
    }
  }

  /** Expires old messages of a room immediately and deletes some of them. */
  prune(log: SqliteLog): void {
    const { maxMessages, maxAge } = this.#retention;
    log.firstSeq = Math.max(log.firstSeq, log.seq - maxMessages + 1);
    if (maxAge !== undefined) log.firstSeq = this.#firstSince(log, new Date(this.#expiryNow() - parseDuration(maxAge)));
    this.#statements.forget.run(log.id, log.id, log.firstSeq, DELETE_BATCH);
    log.prunedAt = log.seq;
  }

  /** Number of the first message that is not older: binary search, as times in a room never decrease. */
  #firstSince(log: SqliteLog, oldest: Date): number {
    const oldestAt = oldest.toISOString();
    let [low, high] = [log.firstSeq, log.seq + 1];
    // Usually the first kept message.
    for (let middle = low; low < high; middle = Math.floor((low + high) / 2)) {
      const row = this.#statements.atOf.get(log.id, middle);
      if (row === undefined || String(row.at) < oldestAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Deletes the oldest messages of the least active rooms that have expired or exceed the size limit. */
  sweep(): void {
    this.#sinceSweep = 0;
    const { maxAge } = this.#retention;
    const limitMs = maxAge === undefined ? -Infinity : this.#expiryNow() - parseDuration(maxAge);
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const row = this.#statements.longestInactive.get(this.#expiryNow());
      if (row === undefined) return;
      const id = Number(row.id);
      const isGone = String(row.key).startsWith("gone ");
      const isDue = isGone || Number(row.active) < limitMs;
      if (!isDue && !this.#isTooLarge()) return;
      const log = this.#open.values().find((log) => log.id === id);
      this.#statements.forget.run(id, id, Number.MAX_SAFE_INTEGER, isDue ? DELETE_BATCH : DELETE_BATCH / MAX_BATCHES);
      const first = this.#statements.firstSeq.get(id)?.seq;
      if (log !== undefined) log.firstSeq = Math.max(log.firstSeq, Number(first ?? log.seq + 1));
      if (first !== undefined) continue;
      this.#statements.setEmpty.run(id);
      if (isGone) this.#statements.deleteRoom.run(id);
      else if (log === undefined && row.topic === "" && row.moderated === 0) this.#abandon(id);
    }
  }

  #isTooLarge(): boolean {
    return Number(rowOf(this.#statements.pages.get()).bytes) > (this.#retention.maxBytes ?? MAX_FILE_BYTES);
  }

  /** The room is removed immediately; its messages are deleted in batches. */
  #abandon(id: number): void {
    this.#statements.abandonRoom.run(id);
    this.#statements.deleteRestrictions.run(id);
    this.#rooms--;
  }

  /** A room is added to the database when something is first stored for it. */
  #write(log: SqliteLog): void {
    if (log.id !== 0) return;
    log.id = Number(rowOf(this.#statements.addRoom.get(keyOf(log.name), log.name, log.epoch)).id);
    this.#rooms++;
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
      stored = this.#inTransaction(pending.map(({ log }) => log), () => this.#insertAll(pending));
    } catch (error) {
      const outcome = this.#failed("storing", error);
      for (const { onSettled } of pending) onSettled(outcome);
      return;
    }
    for (const [index, what] of stored.entries()) {
      const { log, onSettled } = pending[index] ?? unreachable();
      if ("message" in what) {
        const { seq, epoch } = what.message;
        log.deliver(what.message);
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
      this.#write(log);
      const key = draft.id === undefined ? null : repetitionKey(log.epoch, draft.sender ?? "", draft.id);
      const outcome = key === null ? undefined : this.#duplicate(log, draft, key);
      if (outcome !== undefined) return { outcome };
      const seq = (lastSeqs.get(log) ?? log.seq) + 1;
      lastSeqs.set(log, seq);
      // The clock may have been set back.
      const at = log.lastAt = now > log.lastAt ? now : log.lastAt;
      insert.run(log.id, seq, at, draft.from, draft.text, draft.action ? 1 : 0, draft.id ?? null, key);
      return { message: storedMessage(draft, { room: log.name, seq, epoch: log.epoch, at }) };
    });
    for (const [log, seq] of lastSeqs) {
      setSeq.run(seq, Date.parse(log.lastAt), log.id);
      if (seq - log.prunedAt >= PRUNE_EVERY) this.prune(log);
    }
    if ((this.#sinceSweep += pending.length) >= PRUNE_EVERY) this.sweep();
    return stored;
  }

  #duplicate(log: SqliteLog, draft: Draft, key: Uint8Array): Receipt | ChatError | undefined {
    const row = this.#statements.findKey.get(log.id, key);
    if (row === undefined) return undefined;
    return row.text === draft.text ? { seq: Number(row.seq), epoch: log.epoch, isDuplicate: true } : idConflict(draft);
  }

  /** Runs the work in a transaction. */
  #inTransaction<T>(logs: readonly SqliteLog[], work: () => T): T {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const result = work();
      this.#db.exec("COMMIT");
      this.#isFailing = false;
      return result;
    } catch (error) {
      this.#rollBack(logs);
      throw error;
    }
  }

  #rollBack(logs: readonly SqliteLog[]): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      for (const log of logs) {
        // A room created in this transaction is rolled back too.
        if (log.seq === 0 && this.#statements.findRoom.get(keyOf(log.name)) === undefined) log.id = 0;
      }
      this.#rooms = Number(rowOf(this.#statements.countRooms.get()).count);
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

  /** Logged once per series: a full disk fails every message. */
  #failed(doing: string, cause: unknown): ChatError {
    if (!this.#isFailing) this.#log.error(`the history fails: ${doing}`, { error: messageOf(cause) });
    this.#isFailing = true;
    return new ChatError("not-stored", `The server's history fails: ${messageOf(cause)}; nothing was stored`, {
      cause,
    });
  }
}

function rowOf(row: Row | undefined): Row {
  return row ?? unreachable();
}

function unreachable(): never {
  throw new Error("the history lost a row it had just written");
}
