import { ChatError } from "../chat_error.ts";
import { type Decision, RoomState } from "../decision.ts";
import type { OnDecision, OnMessage, Receipt, RoomLog } from "../history.ts";
import { idConflict } from "../message.ts";
import type { Draft, RoomMessage } from "../message.ts";
import type { Acknowledgement } from "./acknowledgements.ts";
import type { Archive } from "./archive.ts";
import type { StreamPosition } from "./news_queue.ts";

import type { StoredMessage } from "./stored_message.ts";
import { subjectOf } from "./subjects.ts";

/** Messages cached per open room, so that joins and short absences need no request to NATS. */
const WINDOW = 256;

/** Time limit for a message that another server has already delivered. */
const REACH_MS = 5_000;

/** The history of a {@linkcode NatsLog}. */
export interface LogHost {
  /** ID of this server in its messages. */
  readonly origin: string;
  /** ID of the numbering of the whole stream. */
  readonly epoch: string;
  readonly archive: Archive;
  store(log: NatsLog, draft: Draft): Promise<Acknowledgement | ChatError>;
  stateOf(log: NatsLog): RoomState | undefined;
  decide(log: NatsLog, decision: Decision): Promise<void>;
  reached(position: StreamPosition, maxMs: number): Promise<void> | undefined;
  forget(log: NatsLog): void;
}

/** An own message that has not been acknowledged to its sender. */
interface Waiting {
  readonly onSettled: (outcome: Receipt | ChatError) => void;
  outcome?: Receipt | ChatError;
}

/** The log of a room in the stream; it delivers what it receives from the stream, including its own messages. */
export class NatsLog implements RoomLog {
  readonly name: string;
  readonly key: string;
  readonly subject: string;
  readonly #host: LogHost;
  #onMessage: OnMessage | undefined;
  #onDecision: OnDecision | undefined;
  readonly #blank = new RoomState();
  #seq = 0;
  /** Every message after this one is in the window. */
  #floor = 0;
  #window: RoomMessage[] = [];
  /** Messages received while the room was being opened. */
  #early: StoredMessage[] | undefined = [];
  readonly #waiting: Waiting[] = [];

  constructor(host: LogHost, name: string, key: string, onMessage: OnMessage, onDecision: OnDecision | undefined) {
    this.#host = host;
    this.name = name;
    this.key = key;
    this.subject = subjectOf(key);
    this.#onMessage = onMessage;
    this.#onDecision = onDecision;
  }

  get epoch(): string {
    return this.#host.epoch;
  }

  get seq(): number {
    return this.#seq;
  }

  get state(): RoomState {
    return this.#host.stateOf(this) ?? this.#blank;
  }

  /** Starts with the messages up to `position`, then those received meanwhile. */
  async load(position: number): Promise<void> {
    const found = await this.#host.archive.last(this.subject, position, WINDOW + 1);
    const isAll = found.length <= WINDOW && await this.#host.archive.isWhole(this.subject, 0);
    // If older ones are missing, the first only marks the start of the window.
    const before = isAll ? undefined : found.shift();
    this.#seq = this.#floor = before?.seq ?? 0;
    for (const message of found) this.#append(message);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) if (message.seq > position) this.deliver(message);
  }

  /** The stream has a further message of this room. */
  deliver(stored: StoredMessage): void {
    if (this.#early !== undefined) return void this.#early.push(stored);
    if (stored.seq <= this.#seq) return;
    const message = this.#append(stored);
    this.#onMessage?.(message, stored.origin !== this.#host.origin);
    this.#settle();
  }

  /** The stream was created again, and is empty. */
  startAnew(): void {
    this.#seq = this.#floor = 0;
    this.#window = [];
    this.#settle();
  }

  /** The stream has lost its messages after `last`. */
  rewind(last: number): void {
    const left = this.#window.filter(({ seq }) => seq <= last);
    this.#window = left.map((message) => ({ ...message, epoch: this.epoch }));
    this.#floor = Math.min(this.#floor, last);
    this.#seq = this.#window.at(-1)?.seq ?? this.#floor;
    this.#settle();
  }

  publish(draft: Draft, onSettled: (outcome: Receipt | ChatError) => void): void {
    const waiting: Waiting = { onSettled };
    this.#waiting.push(waiting);
    void this.#store(draft).then((outcome) => {
      waiting.outcome = outcome;
      this.#settle();
    });
  }

  async after(seq: number, limit: number): Promise<readonly RoomMessage[] | undefined> {
    if (seq > this.#seq) return undefined;
    if (seq >= this.#floor) {
      const first = this.#window.findIndex((message) => message.seq > seq);
      return first < 0 ? [] : this.#window.slice(first, first + limit);
    }
    const found = await this.#host.archive.after(this.subject, seq, limit);
    if (!await this.#host.archive.isWhole(this.subject, seq)) return undefined;
    return this.#chain(found.filter((message) => message.seq <= this.#seq), seq);
  }

  async last(limit: number, upTo: number): Promise<readonly RoomMessage[]> {
    const end = this.#window.findLastIndex((message) => message.seq <= upTo) + 1;
    if (end >= limit || this.#floor === 0) return this.#window.slice(Math.max(0, end - limit), end);
    const found = await this.#host.archive.last(this.subject, Math.min(upTo, this.#seq), limit + 1);
    const before = found.length > limit ? found.shift() : undefined;
    return this.#chain(found, before?.seq ?? 0);
  }

  async reached(seq: number): Promise<void> {
    await this.#host.reached({ epoch: this.epoch, seq }, REACH_MS);
  }

  decide(decision: Decision): Promise<void> {
    return this.#host.decide(this, decision);
  }

  /** Handles a decision of any server. */
  onDecision(decision: Decision): void {
    this.#onDecision?.(decision);
  }

  close(): void {
    this.#onMessage = undefined;
    this.#onDecision = undefined;
    this.#host.forget(this);
    this.#settle();
  }

  async #store(draft: Draft): Promise<Receipt | ChatError> {
    const stored = await this.#host.store(this, draft);
    if (stored instanceof ChatError) return stored;
    const { seq, isDuplicate } = stored;
    // An original that cannot be read counts as equal: it is stored, and the sender knows its content.
    const original = isDuplicate ? await this.#textOf(seq) : undefined;
    if (original !== undefined && original !== draft.text) return idConflict(draft);
    return { seq, epoch: this.epoch, isDuplicate };
  }

  async #textOf(seq: number): Promise<string | undefined> {
    const known = this.#window.find((message) => message.seq === seq);
    if (known !== undefined) return known.text;
    const found = await this.#host.archive.find(this.subject, seq).catch(() => undefined);
    return found?.draft.text;
  }

  /** Acknowledges to senders in order, each after the delivery to the room. */
  #settle(): void {
    for (let first = this.#waiting[0]; first?.outcome !== undefined; first = this.#waiting[0]) {
      const { outcome, onSettled } = first;
      const isAhead = !(outcome instanceof ChatError) && outcome.epoch === this.epoch && outcome.seq > this.#seq;
      if (isAhead && this.#onMessage !== undefined) return;
      this.#waiting.shift();
      onSettled(outcome);
    }
  }

  #append(stored: StoredMessage): RoomMessage {
    const message = this.#messageOf(stored, this.#seq);
    this.#seq = stored.seq;
    this.#window.push(message);
    // Dropped in blocks, so that the cost per message is independent of the window.
    if (this.#window.length >= 2 * WINDOW) {
      const dropped = this.#window.splice(0, this.#window.length - WINDOW);
      this.#floor = dropped.at(-1)?.seq ?? this.#floor;
    }
    return message;
  }

  #chain(messages: readonly StoredMessage[], before: number): RoomMessage[] {
    let prev = before;
    return messages.map((stored) => {
      const message = this.#messageOf(stored, prev);
      prev = stored.seq;
      return message;
    });
  }

  #messageOf({ seq, at, draft }: StoredMessage, prev: number): RoomMessage {
    return { type: "message", room: this.name, seq, prev, epoch: this.epoch, at, ...draft };
  }
}
