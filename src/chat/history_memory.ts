import { parseDuration } from "../base/units.ts";
import type { ChatError } from "./chat_error.ts";
import { type Decision, RoomState } from "./decision.ts";
import { expiryClock, type ExpiryClockOptions } from "./expiry_clock.ts";
import {
  type History,
  MAX_BYTES,
  MAX_ROOMS,
  type OnDecision,
  type OnMessage,
  type Receipt,
  type Retention,
  type RoomLog,
} from "./history.ts";
import { idConflict, storedMessage } from "./message.ts";
import type { Draft, RoomMessage } from "./message.ts";
import { keyOf } from "./names.ts";

/** Estimated overhead of a message object besides its text. */
const MESSAGE_BYTES = 256;

/** Options of {@linkcode createMemoryHistory}. */
interface MemoryHistoryOptions extends ExpiryClockOptions {
  readonly retention: Retention;
}

/** Keeps the last messages of each room for as long as the server runs. */
export function createMemoryHistory(options: MemoryHistoryOptions): History {
  return new MemoryHistory(options);
}

class MemoryHistory implements History {
  readonly retention: Retention;
  readonly now: () => number;
  readonly expiryNow: () => number;
  readonly #logs = new Map<string, MemoryLog>();
  /** Rooms with messages, least active first. */
  readonly #spokenIn = new Set<MemoryLog>();
  /** Empty rooms, longest empty first. */
  readonly #closed = new Set<MemoryLog>();
  #lastSpokenIn: MemoryLog | undefined;
  #bytes = 0;

  constructor(options: MemoryHistoryOptions) {
    this.retention = options.retention;
    this.now = options.now ?? Date.now;
    this.expiryNow = expiryClock(options);
  }

  open(room: string, onMessage: OnMessage, onDecision?: OnDecision): Promise<RoomLog> {
    const maxRooms = this.retention.maxRooms ?? MAX_ROOMS;
    let log = this.#logs.get(keyOf(room));
    if (log === undefined) {
      if (this.#logs.size >= maxRooms) this.#forgetRoom();
      log = new MemoryLog(room, this);
      this.#logs.set(keyOf(room), log);
    }
    this.#closed.delete(log);
    log.onMessage = onMessage;
    log.onDecision = onDecision;
    return Promise.resolve(log);
  }

  /** Updates the size of a room. */
  resized(log: MemoryLog, bytes: number): void {
    this.#bytes += bytes;
    if (bytes > 0 && log === this.#lastSpokenIn) return;
    if (bytes > 0 || log.count === 0) this.#spokenIn.delete(log);
    if (bytes > 0) this.#spokenIn.add(this.#lastSpokenIn = log);
    else if (log.count === 0 && log === this.#lastSpokenIn) this.#lastSpokenIn = undefined;
  }

  /** Deletes messages until the total size is within the limit. */
  shrink(): void {
    const maxBytes = this.retention.maxBytes ?? MAX_BYTES;
    if (this.#bytes <= maxBytes) return;
    for (const log of this.#spokenIn) {
      while (this.#bytes > maxBytes && log.count > 0) log.forgetOldest();
      if (log.count > 0) return;
      if (this.#closed.delete(log)) this.closed(log);
    }
  }

  closed(log: MemoryLog): void {
    if (log.count > 0 || !log.state.isBlank) this.#closed.add(log);
    else this.#logs.delete(keyOf(log.room));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#logs.clear());
  }

  #forgetRoom(): void {
    const [oldest] = this.#closed;
    const log = this.#closed.values().find(({ state }) => !state.isModerated) ?? oldest;
    if (log === undefined) return;
    while (log.count > 0) log.forgetOldest();
    this.#closed.delete(log);
    this.#logs.delete(keyOf(log.room));
  }
}

class MemoryLog implements RoomLog {
  readonly room: string;
  readonly epoch = crypto.randomUUID().slice(0, 8);
  seq = 0;
  readonly state = new RoomState();
  onMessage: ((message: RoomMessage) => void) | undefined;
  onDecision: OnDecision | undefined;
  readonly #history: MemoryHistory;
  /** The kept messages start at `#first`, so that dropping one does not move the others. */
  #messages: RoomMessage[] = [];
  #first = 0;
  /** By sender and id, in the order of the messages. */
  readonly #seqOfKey = new Map<string, number>();
  #lastMs = 0;
  #lastAt = "";

  constructor(room: string, history: MemoryHistory) {
    this.room = room;
    this.#history = history;
  }

  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    const key = draft.id === undefined ? undefined : `${draft.sender ?? ""} ${draft.id}`;
    const known = key === undefined ? undefined : this.#seqOfKey.get(key);
    if (known !== undefined) return onSettled(this.#duplicate(draft, known));
    const seq = ++this.seq;
    const message = storedMessage(draft, { room: this.room, seq, epoch: this.epoch, at: this.#timestamp() });
    this.#messages.push(message);
    if (key !== undefined) this.#seqOfKey.set(key, seq);
    this.#history.resized(this, bytesOf(message));
    this.#forget();
    this.#history.shrink();
    this.onMessage?.(message);
    onSettled({ seq, epoch: this.epoch, isDuplicate: false });
  }

  after(seq: number, limit: number): Promise<readonly RoomMessage[] | undefined> {
    this.#forget();
    const firstSeq = this.seq - this.count + 1;
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
    this.state.apply(this.state.changesBy(decision));
    this.onDecision?.(decision);
  }

  close(): void {
    this.onMessage = undefined;
    this.onDecision = undefined;
    this.#forget();
    this.#history.closed(this);
  }

  /** Number of kept messages. */
  get count(): number {
    return this.#messages.length - this.#first;
  }

  forgetOldest(): void {
    const oldest = this.#messages[this.#first];
    if (oldest === undefined) return;
    const [firstKey] = oldest.id === undefined ? [] : this.#seqOfKey.keys();
    if (firstKey !== undefined) this.#seqOfKey.delete(firstKey);
    this.#first++;
    if (this.#first * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    this.#history.resized(this, -bytesOf(oldest));
  }

  #duplicate(draft: Draft, seq: number): Receipt | ChatError {
    const stored = this.#messages[this.#messages.length - 1 - (this.seq - seq)];
    if (stored !== undefined && stored.text !== draft.text) return idConflict(draft);
    return { seq, epoch: this.epoch, isDuplicate: true };
  }

  #forget(): void {
    const { maxMessages, maxAge } = this.#history.retention;
    while (this.count > maxMessages) this.forgetOldest();
    if (maxAge === undefined) return;
    const limitAt = new Date(this.#history.expiryNow() - parseDuration(maxAge)).toISOString();
    for (let oldest = this.#messages[this.#first]; oldest !== undefined; oldest = this.#messages[this.#first]) {
      if (oldest.at >= limitAt) return;
      this.forgetOldest();
    }
  }

  #timestamp(): string {
    // Many messages share a millisecond, and formatting it costs more than comparing it.
    const nowMs = Math.max(this.#history.now(), this.#lastMs);
    if (nowMs !== this.#lastMs || this.#lastAt === "") {
      this.#lastMs = nowMs;
      this.#lastAt = new Date(nowMs).toISOString();
    }
    return this.#lastAt;
  }
}

function bytesOf({ text, from, id = "" }: RoomMessage): number {
  return MESSAGE_BYTES + 2 * (text.length + from.length + id.length);
}
