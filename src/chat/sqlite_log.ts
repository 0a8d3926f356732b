import type { StatementSync } from "node:sqlite";
import type { ChatError } from "./chat_error.ts";
import { type Change, type Decision, RoomState } from "./decision.ts";
import type { OnDecision, OnMessage, Receipt, RoomLog } from "./history.ts";
import type { Draft, RoomMessage } from "./message.ts";

/** A message queued until the end of the turn. */
export interface Pending {
  readonly log: SqliteLog;
  readonly draft: Draft;
  readonly onSettled: (outcome: Receipt | ChatError) => void;
}

/** The database behind a {@linkcode SqliteLog}. */
export interface SqliteLogHost {
  publish(pending: Pending): void;
  after(log: SqliteLog, seq: number, limit: number): Promise<readonly RoomMessage[] | undefined>;
  last(log: SqliteLog, limit: number, upTo: number): Promise<readonly RoomMessage[]>;
  keep(log: SqliteLog, changes: readonly Change[]): void;
  close(log: SqliteLog): void;
}

/** One room of the database. */
export class SqliteLog implements RoomLog {
  /** ID of the room's row, 0 before there is one. */
  id = 0;
  epoch = crypto.randomUUID().slice(0, 8);
  seq = 0;
  readonly state = new RoomState();
  /** Number of the first kept message. */
  firstSeq = 1;
  /** When the last message was stored. */
  lastAt = "";
  /** The last number at the last cleanup. */
  prunedAt = 0;
  readonly name: string;
  readonly #history: SqliteLogHost;
  #onMessage: OnMessage | undefined;
  #onDecision: OnDecision | undefined;

  constructor(
    history: SqliteLogHost,
    name: string,
    { onMessage, onDecision }: { onMessage: OnMessage; onDecision: OnDecision | undefined },
  ) {
    this.#history = history;
    this.name = name;
    this.#onMessage = onMessage;
    this.#onDecision = onDecision;
  }

  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    this.#history.publish({ log: this, draft, onSettled });
  }

  deliver(message: RoomMessage): void {
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
    const changes = this.state.changesBy(decision);
    if (changes.length > 0) this.#history.keep(this, changes);
    this.state.apply(changes);
    this.#onDecision?.(decision);
  }

  close(): void {
    this.#onMessage = undefined;
    this.#onDecision = undefined;
    this.#history.close(this);
  }
}

/** A row of the database. */
export type Row = ReturnType<StatementSync["all"]>[number];

/** The message of a row. */
export function messageOfRow(log: SqliteLog, row: Row): RoomMessage {
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
