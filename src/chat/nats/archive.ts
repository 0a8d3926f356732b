import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { messageOf } from "../../base/errors.ts";
import { ChatError } from "../chat_error.ts";
import type { NatsLink } from "./link.ts";
import { decodeDraft, type StoredMessage } from "./stored_message.ts";
import { STREAM } from "./subjects.ts";

/** NATS removes an idle consumer after this time. */
const INACTIVE_MS = 5_000;
const FETCH_MS = 3_000;
/** Maximum steps, of one request each, to find the start of the last messages of a room. */
const MAX_STEPS = 48;

/** A cursor over one room, starting at a number. */
interface Cursor {
  readonly name: string;
  /** Number of messages from there to the end. */
  readonly count: number;
}

/** Reads stored messages of a room from the stream. */
export class Archive {
  readonly #link: NatsLink;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  /** At most `limit` messages of a room after `seq`, oldest first. */
  after(subject: string, seq: number, limit: number): Promise<StoredMessage[]> {
    return this.#ask(async () => this.#fetch(await this.#open(subject, seq + 1), limit));
  }

  /** The last messages of a room up to and including `upTo`, oldest first. */
  last(subject: string, upTo: number, limit: number): Promise<StoredMessage[]> {
    return this.#ask(async () => {
      const later = (await this.#open(subject, upTo + 1)).count;
      let tooLate = upTo + 1;
      let start = Math.max(1, tooLate - 2 * limit);
      let cursor = await this.#open(subject, start);
      // Backwards in growing steps until enough messages are found, then bisects so that they are not too many.
      for (let stride = 8 * limit; cursor.count - later < limit && start > 1; stride *= 4) {
        tooLate = start;
        start = Math.max(1, start - stride);
        cursor = await this.#open(subject, start);
      }
      for (let step = 0; cursor.count - later > 4 * limit && tooLate - start > 1 && step < MAX_STEPS; step++) {
        const middle = Math.floor((start + tooLate) / 2);
        const other = await this.#open(subject, middle);
        if (other.count - later < limit) tooLate = middle;
        else [start, cursor] = [middle, other];
      }
      const messages = await this.#fetch(cursor, cursor.count - later);
      return messages.filter(({ seq }) => seq <= upTo).slice(-limit);
    });
  }

  /** One message of a room, if it is still kept. */
  find(subject: string, seq: number): Promise<StoredMessage | undefined> {
    return this.#ask(async () => {
      if (seq < 1) return undefined;
      const found = await this.#link.attempt(this.#link.jsm.direct.getMessage(STREAM, { seq }));
      if (found === null || found.subject !== subject) return undefined;
      const decoded = decodeDraft(found.string());
      return decoded && { subject, seq, at: found.time.toISOString(), ...decoded };
    });
  }

  /** Whether every message that the room had after `seq` is still kept. */
  async isWhole(subject: string, seq: number): Promise<boolean> {
    // The oldest messages are deleted first: while this one exists, all later ones do.
    if (await this.find(subject, seq) !== undefined) return true;
    const { config, state } = await this.#ask(() =>
      this.#link.attempt(this.#link.jsm.streams.info(STREAM, { subjects_filter: subject }))
    );
    const mayHaveDropped = config.max_msgs_per_subject > 0 &&
      (state.subjects?.[subject] ?? 0) >= config.max_msgs_per_subject;
    return !mayHaveDropped && (config.max_age === 0 || state.first_seq <= seq + 1);
  }

  async #open(subject: string, start: number): Promise<Cursor> {
    const { name, num_pending: count } = await this.#link.attempt(this.#link.jsm.consumers.add(STREAM, {
      filter_subject: subject,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, start),
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(INACTIVE_MS),
      mem_storage: true,
      num_replicas: 1,
    }));
    return { name, count };
  }

  async #fetch({ name, count }: Cursor, limit: number): Promise<StoredMessage[]> {
    const wanted = Math.min(count, limit);
    if (wanted <= 0) return [];
    const consumer = await this.#link.attempt(this.#link.js.consumers.get(STREAM, name));
    const found: StoredMessage[] = [];
    let seen = 0;
    for await (const message of await consumer.fetch({ max_messages: wanted, expires: FETCH_MS })) {
      seen++;
      const decoded = decodeDraft(message.string());
      if (decoded) found.push({ subject: message.subject, seq: message.seq, at: message.timestamp, ...decoded });
    }
    if (seen < wanted) throw new Error("NATS gave fewer messages than it has");
    return found;
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("not-stored", `The server's history cannot be read now: ${messageOf(cause)}`, { cause });
    }
  }
}
