import type { StreamInfo } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { ChatError } from "../chat_error.ts";
import type { History, OnDecision, OnMessage, Retention, RoomLog, RoomState } from "../history.ts";
import type { Draft } from "../message.ts";
import { keyOf } from "../names.ts";
import { Archive } from "./archive.ts";
import type { ClusterAddress } from "./cluster_address.ts";
import { connectNats } from "./connect_nats.ts";
import { Feed } from "./feed.ts";
import { NatsLink } from "./link.ts";
import { type LogHost, NatsLog } from "./nats_log.ts";
import { Publisher, type Stored } from "./publisher.ts";
import type { StoredMessage } from "./stored_message.ts";
import { ROOM_BUCKET, tokenOf } from "./subjects.ts";

/** What {@linkcode createNatsHistory} must be told. */
export interface NatsHistoryOptions {
  readonly address: ClusterAddress;
  /** What a credentials file holds. */
  readonly credentials?: Uint8Array | undefined;
  /** Counts where the stream is not there yet; a stream that is keeps what it keeps. */
  readonly retention: Retention;
  readonly log: Logger;
}

/**
 * Keeps the messages of all rooms in a JetStream stream that many servers
 * share: its order is the order everywhere, and a message is acknowledged when
 * JetStream has acknowledged it and it has come back.
 *
 * @throws {RefusedError} NATS is not there.
 * @throws {PermissionError} NATS or the sandbox refuses us.
 * @throws {UsageError} It has no JetStream.
 */
export async function createNatsHistory(options: NatsHistoryOptions): Promise<History> {
  const { address, credentials, retention, log } = options;
  const connection = await connectNats(address, credentials);
  try {
    const { link, stream } = await NatsLink.open(connection, retention, log);
    const states = await new Kvm(link.js).create(ROOM_BUCKET, { history: 1 });
    return new NatsHistory(link, stream, states, log);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class NatsHistory implements History, LogHost {
  readonly origin = crypto.randomUUID();
  readonly archive: Archive;
  epoch: string;
  readonly #link: NatsLink;
  readonly #states: KV;
  readonly #log: Logger;
  readonly #publisher: Publisher;
  readonly #feed: Feed;
  readonly #feeding: Promise<void>;
  /** Open rooms by subject. */
  readonly #logs = new Map<string, NatsLog>();
  /** States that are being kept, by room. */
  readonly #keeping = new Map<string, Promise<void>>();

  constructor(link: NatsLink, stream: StreamInfo, states: KV, log: Logger) {
    this.#link = link;
    this.#states = states;
    this.#log = log;
    this.archive = new Archive(link);
    this.epoch = epochOf(stream);
    this.#publisher = new Publisher(link, this.origin);
    this.#feed = new Feed(link, stream.state.last_seq, log, (message) => this.#deliver(message));
    link.watch({ onReady: (now) => this.#goOn(now) });
    this.#feeding = this.#feed.run();
  }

  async open(name: string, onMessage: OnMessage, onDecision?: OnDecision): Promise<RoomLog> {
    const log = new NatsLog(this, name, keyOf(name), onMessage, onDecision);
    // Known before anything is read: what comes meanwhile must not be missed.
    this.#logs.set(log.subject, log);
    try {
      await this.#keeping.get(log.key);
      const [state] = await Promise.all([this.#stateOf(log), log.load(this.#feed.position)]);
      log.state = state;
      return log;
    } catch (cause) {
      this.forget(log);
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("not-stored", `${name} cannot be opened now: ${messageOf(cause)}`, { cause });
    }
  }

  store(log: NatsLog, draft: Draft): Promise<Stored | ChatError> {
    return this.#publisher.store(log.subject, draft);
  }

  keep(log: NatsLog, state: RoomState): void {
    const before = this.#keeping.get(log.key) ?? Promise.resolve();
    const keeping = before.then(async () => {
      try {
        await this.#states.put(tokenOf(log.key), JSON.stringify(state));
      } catch (error) {
        this.#log.error("keeping a topic, a ban or a mute failed", { room: log.name, error: messageOf(error) });
      }
    }).finally(() => {
      if (this.#keeping.get(log.key) === keeping) this.#keeping.delete(log.key);
    });
    this.#keeping.set(log.key, keeping);
  }

  forget(log: NatsLog): void {
    if (this.#logs.get(log.subject) === log) this.#logs.delete(log.subject);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#keeping.values());
    this.#feed.stop();
    await this.#link[Symbol.asyncDispose]();
    await this.#feeding;
  }

  #deliver(message: StoredMessage): void {
    this.#logs.get(message.subject)?.deliver(message);
  }

  /** NATS is there again, with the same stream or with a new one. */
  #goOn(stream: StreamInfo): void {
    const epoch = epochOf(stream);
    if (epoch === this.epoch) return this.#feed.restart();
    this.#log.warning("NATS has lost the stream: all rooms start anew", { epoch });
    this.epoch = epoch;
    for (const log of this.#logs.values()) log.startAnew();
    this.#feed.restart(0);
  }

  async #stateOf(log: NatsLog): Promise<RoomState | undefined> {
    const entry = await this.#link.attempt(this.#states.get(tokenOf(log.key)));
    return entry === null || entry.operation !== "PUT" ? undefined : entry.json<RoomState>();
  }
}

/** The stream's time of making, short: another stream numbers anew. */
function epochOf({ created }: StreamInfo): string {
  const [, fraction = ""] = /\.(\d+)Z$/.exec(created) ?? [];
  return `${Math.floor(Date.parse(created) / 1_000).toString(36)}-${Number(fraction || 0).toString(36)}`;
}
