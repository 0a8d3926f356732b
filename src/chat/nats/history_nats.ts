import type { JsMsg, StreamInfo } from "@nats-io/jetstream";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { ChatError } from "../chat_error.ts";
import type { Decision, RoomState } from "../decision.ts";
import type { History, OnDecision, OnMessage, RoomLog } from "../history.ts";
import type { Draft } from "../message.ts";
import { keyOf } from "../names.ts";
import type { Acknowledgement } from "./acknowledgements.ts";
import { Archive } from "./archive.ts";
import { Feed } from "./feed.ts";
import type { NatsLink } from "./link.ts";
import { type LogHost, NatsLog } from "./nats_log.ts";
import type { MessageClock, StreamPosition } from "./news_queue.ts";
import { Publisher } from "./publisher.ts";
import { RoomStates } from "./room_states.ts";
import { decodeDraft } from "./stored_message.ts";
import { ROOM_BUCKET, ROOM_PREFIX, ROOM_SUBJECTS, STREAM } from "./subjects.ts";
import { Table } from "./table.ts";

/** Options of {@linkcode createNatsHistory}. */
interface NatsHistoryOptions {
  /** ID of this server in its messages. */
  readonly server: string;
  /** The current stream. */
  readonly stream: StreamInfo;
  readonly log: Logger;
}

/**
 * Stores the messages of all rooms in a JetStream stream shared by many servers: its order is the order everywhere, and
 * a message is acknowledged when JetStream has acknowledged it and it has been received back. Disposing of it ends the
 * link.
 */
export async function createNatsHistory(link: NatsLink, options: NatsHistoryOptions): Promise<NatsHistory> {
  // Decisions that a server can miss while it is disconnected.
  const table = await Table.open(link, { bucket: ROOM_BUCKET, history: 64, ttlMs: 0, log: options.log });
  const history = new NatsHistory(link, new RoomStates(link, table), options);
  await history.start();
  return history;
}

/** The history of a cluster. */
export class NatsHistory implements History, LogHost, MessageClock {
  readonly origin: string;
  readonly archive: Archive;
  epoch: string;
  readonly #link: NatsLink;
  readonly #states: RoomStates;
  readonly #log: Logger;
  readonly #publisher: Publisher;
  readonly #feed: Feed;
  /** Open rooms by subject. */
  readonly #logs = new Map<string, NatsLog>();
  /** Creation of the stream. */
  #created: string;

  constructor(link: NatsLink, states: RoomStates, { server, stream, log }: NatsHistoryOptions) {
    this.origin = server;
    this.#link = link;
    this.#states = states;
    this.#log = log;
    this.archive = new Archive(link);
    this.epoch = epochOf(stream);
    this.#created = stream.created;
    this.#publisher = new Publisher(link, this.origin);
    const { last_seq: position, last_ts } = stream.state;
    const source = { stream: STREAM, subjects: ROOM_SUBJECTS, position, timeMs: Date.parse(last_ts) };
    this.#feed = new Feed(link, source, log, (message) => this.#deliver(message));
  }

  /** Starts to receive messages and decisions. */
  async start(): Promise<void> {
    this.#link.watch({ onFound: (now) => this.#goOn(now) });
    await this.#feed.start();
    await this.#states.start((token, decision) => {
      this.#logs.get(ROOM_PREFIX + token)?.onDecision(decision);
    });
  }

  /** The last delivered message of any room. */
  get position(): StreamPosition {
    return { epoch: this.epoch, seq: this.#feed.position };
  }

  /** Waits until a message of this stream has been delivered here, or for `maxMs`. */
  reached({ epoch, seq }: StreamPosition, maxMs?: number): Promise<void> | undefined {
    return epoch === this.epoch ? this.#feed.whenDelivered(seq, maxMs) : undefined;
  }

  get fault(): string | undefined {
    return this.#link.isReady ? undefined : "messages cannot be stored: NATS is unreachable";
  }

  /** The topic of a room. */
  topicOf(roomKey: string): string {
    return this.#states.of(roomKey)?.topic ?? "";
  }

  async open(name: string, onMessage: OnMessage, onDecision?: OnDecision): Promise<RoomLog> {
    const log = new NatsLog(this, name, keyOf(name), onMessage, onDecision);
    // Registered before reading, so that no message is missed meanwhile.
    this.#logs.set(log.subject, log);
    try {
      await log.load(this.#feed.position);
      return log;
    } catch (cause) {
      this.forget(log);
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("not-stored", `${name} cannot be opened now: ${messageOf(cause)}`, { cause });
    }
  }

  store(log: NatsLog, draft: Draft): Promise<Acknowledgement | ChatError> {
    return this.#publisher.store(log.subject, draft);
  }

  stateOf({ key }: NatsLog): RoomState | undefined {
    return this.#states.of(key);
  }

  decide({ key }: NatsLog, decision: Decision): Promise<void> {
    return this.#states.decide(key, decision);
  }

  forget(log: NatsLog): void {
    if (this.#logs.get(log.subject) === log) this.#logs.delete(log.subject);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#link[Symbol.asyncDispose]();
  }

  #deliver(message: JsMsg): void {
    const { subject, seq, timestamp } = message;
    const decoded = decodeDraft(message.string());
    if (decoded === undefined) this.#log.warning("no message of a room", { subject });
    else this.#logs.get(subject)?.deliver({ subject, seq, at: timestamp, ...decoded });
  }

  /** NATS is back online, with the same stream or with a new one. */
  async #goOn(stream: StreamInfo): Promise<void> {
    const epoch = epochOf(stream);
    const { created } = stream;
    if (created === this.#created) {
      const last = await this.#feed.goOn(stream);
      if (last === undefined) return;
      this.#log.warning("NATS has lost the last messages of all rooms", { last });
      this.epoch = `${epoch}-${last.toString(36)}`;
      for (const log of this.#logs.values()) log.rewind(last);
      return;
    }
    this.#log.warning("NATS has lost the stream; the history of all rooms was reset", { epoch });
    this.epoch = epoch;
    this.#created = created;
    for (const log of this.#logs.values()) log.startAnew();
    this.#feed.startAnew();
  }
}

/** The stream's creation time, shortened: a new stream numbers its messages from 1 again. */
function epochOf({ created }: StreamInfo): string {
  const [, fraction = ""] = /\.(\d+)Z$/.exec(created) ?? [];
  return `${Math.floor(Date.parse(created) / 1_000).toString(36)}-${Number(fraction || 0).toString(36)}`;
}
