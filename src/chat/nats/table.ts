import type { JsMsg } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { messageOf } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import type { Logger } from "../../log/logger.ts";
import { Feed } from "./feed.ts";
import { isOutage } from "./connect_nats.ts";
import type { NatsLink } from "./link.ts";

const ANSWER_MS = 2_000;

/** Settings of a {@linkcode Table}. */
interface TableOptions {
  readonly bucket: string;
  /** Values kept per key. */
  readonly history: number;
  /** Expiry of values in milliseconds; 0 for none. */
  readonly ttlMs: number;
  readonly log: Logger;
}

/** A value in the bucket. */
export interface TableEntry {
  readonly key: string;
  /** Its revision, for optimistic concurrency control. */
  readonly revision: number;
  readonly value: unknown;
}

/** Callbacks of a {@linkcode Table}. */
interface TableEvents {
  /** A key has a new value; all servers see the same order. */
  onEntry(entry: TableEntry): void;
  /** The bucket was lost and is empty; revisions start again. */
  onLost(): void;
  /** The bucket has lost its last values, and their revisions are given again. */
  onRewound?(): void;
}

/** A key-value bucket shared by many servers. Every server receives every value, in one order. */
export class Table {
  readonly #link: NatsLink;
  readonly #options: TableOptions;
  readonly #kv: KV;
  readonly #feed: Feed;
  #created: string;
  #events: TableEvents | undefined;

  private constructor(link: NatsLink, options: TableOptions, kv: KV, created: string) {
    this.#link = link;
    this.#options = options;
    this.#kv = kv;
    this.#created = created;
    this.#feed = new Feed(
      link,
      { stream: `KV_${options.bucket}`, subjects: `$KV.${options.bucket}.>`, position: 0, timeMs: 0 },
      options.log,
      (message) => this.#deliver(message),
    );
  }

  /** Finds or creates the bucket. */
  static async open(link: NatsLink, options: TableOptions): Promise<Table> {
    const kv = await ensure(link, options);
    return new Table(link, options, kv, (await infoOf(link, options)).created);
  }

  /** Delivers all existing values before it resolves, and later ones as they arrive. */
  async start(events: TableEvents): Promise<void> {
    this.#events = events;
    const { state } = await infoOf(this.#link, this.#options);
    this.#link.watch({ onReady: () => void this.#goOn() });
    await this.#feed.start();
    if (state.messages > 0) await this.whenDelivered(state.last_seq);
  }

  /** Waits for the delivery of that revision or a later one; throws if NATS becomes unreachable. */
  whenDelivered(revision: number): Promise<void> {
    const delivered = this.#feed.whenDelivered(revision);
    return delivered === undefined ? Promise.resolve() : this.#link.wait(delivered);
  }

  /**
   * Writes a value if the key's last revision is the expected one, 0 for none; unconditionally without an expected one.
   * Returns the new revision; `undefined` on a conflict.
   */
  async put(key: string, value: unknown, expected?: number): Promise<number | undefined> {
    try {
      const options = { timeout: ANSWER_MS, ...(expected === undefined ? {} : { previousSeq: expected }) };
      const putting = this.#kv.put(key, JSON.stringify(value), options);
      return await this.#link.attempt(putting);
    } catch (error) {
      if (error instanceof Error && /wrong last sequence/i.test(error.message)) return undefined;
      throw this.#failed(error);
    }
  }

  /** The last value of a key. */
  async get(key: string): Promise<TableEntry | undefined> {
    try {
      const entry = await this.#link.attempt(this.#kv.get(key));
      return entry === null ? undefined : { key, revision: entry.revision, value: parseJson(entry.string()) };
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    if (isOutage(error)) this.#link.suspect(messageOf(error));
    else this.#options.log.error("NATS rejected a request", { error: messageOf(error) });
    return error;
  }

  #deliver(message: JsMsg): void {
    const prefix = `$KV.${this.#options.bucket}.`;
    // Invalid if deleted by hand, or written by another program.
    const value = parseJson(message.string());
    this.#events?.onEntry({ key: message.subject.slice(prefix.length), revision: message.seq, value });
  }

  /** NATS is back online, with the same bucket or without it. */
  async #goOn(): Promise<void> {
    try {
      await ensure(this.#link, this.#options);
      const stream = await infoOf(this.#link, this.#options);
      const { created } = stream;
      if (created === this.#created) {
        if (await this.#feed.goOn(stream) !== undefined) this.#events?.onRewound?.();
        return;
      }
      this.#created = created;
      // Old revisions are invalid; waiting callers check again.
      this.#feed.startAnew();
      this.#events?.onLost();
    } catch (error) {
      this.#failed(error);
    }
  }
}

function ensure(link: NatsLink, { bucket, history, ttlMs }: TableOptions): Promise<KV> {
  const options = { history, replicas: link.replicas, ...(ttlMs > 0 ? { ttl: ttlMs } : {}) };
  return link.attempt(new Kvm(link.js).create(bucket, options));
}

function infoOf(link: NatsLink, { bucket }: TableOptions) {
  return link.attempt(link.jsm.streams.info(`KV_${bucket}`));
}
