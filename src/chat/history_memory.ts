import type { ChatError } from "./chat_error.ts";
import { expiryClock, type ExpiryClockOptions } from "./expiry_clock.ts";
import { decided, type Decision } from "./decision.ts";
import type { History, OnDecision, Receipt, Retention, RoomLog, RoomState } from "./history.ts";
import { idConflict } from "./id_conflict.ts";
import type { Draft, RoomMessage } from "./message.ts";
import { keyOf } from "./names.ts";

/** Empty rooms whose messages are still kept, so that the last one to leave can come back. */
const EMPTY_ROOMS_KEPT = 64;

/** What a {@linkcode createMemoryHistory} may be told. */
export interface MemoryHistoryOptions extends ExpiryClockOptions {
  readonly retention: Retention;
}

/** Keeps the last messages of each room for as long as the server runs. */
export function createMemoryHistory(options: MemoryHistoryOptions): History {
  const logs = new Map<string, MemoryLog>();
  /** Closed ones, the longest empty first. */
  const empty = new Set<string>();
  const clocks = { now: options.now ?? Date.now, expiryNow: expiryClock(options) };
  return {
    open(room, onMessage, onDecision) {
      const key = keyOf(room);
      empty.delete(key);
      const log = logs.get(key) ?? new MemoryLog(room, options.retention, clocks);
      logs.set(key, log);
      log.onMessage = onMessage;
      log.onDecision = onDecision;
      log.onClose = () => {
        empty.add(key);
        const [oldest] = empty;
        if (empty.size <= EMPTY_ROOMS_KEPT || oldest === undefined) return;
        empty.delete(oldest);
        logs.delete(oldest);
      };
      return Promise.resolve(log);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(logs.clear()),
  };
}

class MemoryLog implements RoomLog {
  readonly epoch = crypto.randomUUID().slice(0, 8);
  seq = 0;
  state: RoomState | undefined;
  onMessage: ((message: RoomMessage) => void) | undefined;
  onDecision: OnDecision | undefined;
  onClose: (() => void) | undefined;
  readonly #room: string;
  readonly #retention: Retention;
  readonly #now: () => number;
  readonly #expiryNow: () => number;
  /** The messages kept are those from `#first` on: dropping one must not move the others. */
  #messages: RoomMessage[] = [];
  #first = 0;
  readonly #seqOfId = new Map<string, number>();
  #lastMs = 0;
  #lastAt = "";

  constructor(
    room: string,
    retention: Retention,
    { now, expiryNow }: { now: () => number; expiryNow: () => number },
  ) {
    this.#room = room;
    this.#retention = retention;
    this.#now = now;
    this.#expiryNow = expiryNow;
  }

  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    const known = draft.id === undefined ? undefined : this.#seqOfId.get(draft.id);
    if (known !== undefined) return onSettled(this.#duplicate(draft, known));
    const seq = ++this.seq;
    const message: RoomMessage = {
      type: "message",
      room: this.#room,
      seq,
      epoch: this.epoch,
      at: this.#timestamp(),
      ...draft,
    };
    this.#messages.push(message);
    if (draft.id !== undefined) this.#seqOfId.set(draft.id, seq);
    this.#forget();
    this.onMessage?.(message);
    onSettled({ seq, epoch: this.epoch, isDuplicate: false });
  }

  after(seq: number, limit: number): Promise<readonly RoomMessage[] | undefined> {
    this.#forget();
    const firstSeq = this.seq - this.#count + 1;
    if (seq + 1 < firstSeq || seq > this.seq) return Promise.resolve(undefined);
    const from = this.#first + seq + 1 - firstSeq;
    return Promise.resolve(this.#messages.slice(from, from + limit));
  }

  last(limit: number, upTo: number): Promise<readonly RoomMessage[]> {
    this.#forget();
    const end = Math.max(this.#first, this.#messages.length - (this.seq - upTo));
    return Promise.resolve(this.#messages.slice(Math.max(this.#first, end - limit), end));
  }

  decide(decision: Decision): void {
    this.state = decided(this.state, decision);
    this.onDecision?.(decision, this.state);
  }

  close(): void {
    this.onMessage = undefined;
    this.onDecision = undefined;
    this.onClose?.();
  }

  get #count(): number {
    return this.#messages.length - this.#first;
  }

  #duplicate(draft: Draft, seq: number): Receipt | ChatError {
    const stored = this.#messages[this.#messages.length - 1 - (this.seq - seq)];
    if (stored !== undefined && stored.text !== draft.text) return idConflict(draft);
    return { seq, epoch: this.epoch, isDuplicate: true };
  }

  #forget(): void {
    const { maxMessages, maxAgeMs } = this.#retention;
    const oldest = maxAgeMs === undefined ? undefined : new Date(this.#expiryNow() - maxAgeMs).toISOString();
    while (this.#count > 0) {
      const message = this.#messages[this.#first];
      if (message === undefined) break;
      if (this.#count <= maxMessages && (oldest === undefined || message.at >= oldest)) break;
      if (message.id !== undefined) this.#seqOfId.delete(message.id);
      this.#first++;
    }
    if (this.#first > maxMessages) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
  }

  #timestamp(): string {
    // Many messages share a millisecond, and formatting it costs more than comparing it.
    const nowMs = Math.max(this.#now(), this.#lastMs);
    if (nowMs !== this.#lastMs || this.#lastAt === "") {
      this.#lastMs = nowMs;
      this.#lastAt = new Date(nowMs).toISOString();
    }
    return this.#lastAt;
  }
}
