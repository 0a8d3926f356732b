import { parseDuration } from "../../base/units.ts";
import { jetstream, type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { JetStreamApiError, StorageType, type StreamInfo } from "@nats-io/jetstream";
import { ConnectionError, nanos, type NatsConnection, PermissionViolationError } from "@nats-io/transport-node";
import { messageOf, UsageError } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { Deadline } from "../../net/deadline.ts";
import { delay } from "../../net/wait.ts";
import { isRefusal, useError } from "./connect_nats.ts";
import type { Retention } from "../history.ts";
import { ROOM_SUBJECTS, STREAM } from "./subjects.ts";

/** Window in which a repeated `id` is stored once, on any server. */
const DUPLICATE_WINDOW_MS = 10 * 60_000;
const API_TIMEOUT_MS = 2_000;
/** Between two checks whether JetStream is back online. */
const PROBE_MS = 100;

/** Time limit for the servers of a NATS cluster to find each other. */
const PEERS_WAIT_MS = 5_000;
/** Default replicas of each stream in a NATS cluster. */
const DEFAULT_REPLICAS = 3;
/** `err_code` of "no suitable peers for placement", "insufficient resources" and "replicas > 1 not supported". */
const TOO_MANY_REPLICAS: ReadonlySet<number> = new Set([10005, 10023, 10074]);

/** Settings for the stream of a {@linkcode NatsLink}. */
interface LinkOptions {
  readonly retention: Retention;
  /**
   * Number of replicas.
   *
   * @default {3 where NATS is a cluster of as many, otherwise 1}
   */
  readonly replicas?: number | undefined;
  readonly log: Logger;
}

/** Callbacks of a {@linkcode NatsLink}. */
interface LinkEvents {
  /** JetStream is back online, with this stream; nothing is written before all callbacks have settled. */
  onFound?(stream: StreamInfo): Promise<void>;
  /** After {@linkcode onFound}. */
  onReady?(): void;
  /** NATS rejects a request because of a missing permission. */
  onRefused?(refusal: PermissionViolationError): void;
}

/** The connection to NATS and the stream: their availability, and waiting for it. */
export class NatsLink implements AsyncDisposable {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly #options: LinkOptions;
  readonly #log: Logger;
  readonly #ending = new AbortController();
  readonly #underway = new Set<(error: Error) => void>();
  /** Pending requests of the NATS client, which keeps their timers even after it was closed. */
  readonly #requests = new Set<Promise<void>>();
  #waiters: (() => void)[] = [];
  #isReady = true;
  #replicas = 1;
  readonly #events: LinkEvents[] = [];
  readonly #attached: Promise<void>[] = [];

  private constructor(connection: NatsConnection, jsm: JetStreamManager, options: LinkOptions) {
    this.connection = connection;
    // Whether JetStream may be used is determined by using it.
    this.js = jetstream(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
    this.jsm = jsm;
    this.#options = options;
    this.#log = options.log;
  }

  /** Finds or creates the stream. */
  static async open(
    connection: NatsConnection,
    options: LinkOptions,
  ): Promise<{ link: NatsLink; stream: StreamInfo }> {
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
    const link = new NatsLink(connection, jsm, options);
    const stream = await link.#findStream().catch(async (cause: unknown) => {
      await connection.close();
      if (isRefusal(cause)) throw useError(cause);
      throw new UsageError(
        `Cannot use NATS for the chat: JetStream does not respond (${messageOf(cause)}); start nats-server with -js`,
        { cause },
      );
    });
    link.#noteReplicas(stream);
    void link.#watchStatus();
    return { link, stream };
  }

  /** Registers callbacks. */
  watch(events: LinkEvents): void {
    this.#events.push(events);
  }

  /** Registers a task that ends with the link, which waits for it. */
  attach(work: Promise<void>): void {
    this.#attached.push(work);
  }

  /** Number of replicas of the stream, also used for the buckets. */
  get replicas(): number {
    return this.#replicas;
  }

  /** Whether NATS was last known to be online. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Aborts when the server ends. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Waits for NATS; `false` on timeout. */
  whenReady(timeoutMs: number): Promise<boolean> | true {
    if (this.#isReady) return true;
    if (this.#ending.signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== settle);
        resolve(false);
      }, timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        resolve(this.#isReady);
      };
      this.#waiters.push(settle);
    });
  }

  /** The result of a request to NATS, or an error as soon as NATS is unreachable. */
  attempt<T>(request: Promise<T>): Promise<T> {
    const settled = request.then(() => {}, () => {}).finally(() => this.#requests.delete(settled));
    this.#requests.add(settled);
    return this.wait(request);
  }

  /** The result of something received back from NATS, or an error as soon as NATS is unreachable. */
  wait<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#underway.add(reject);
      outcome.then(resolve, reject).finally(() => this.#underway.delete(reject));
    });
  }

  /** NATS is unreachable: everything waits until it is back online. */
  suspect(why: string): void {
    if (!this.#isReady || this.#ending.signal.aborted) return;
    this.#isReady = false;
    this.#log.warning("NATS unreachable; queueing messages", { why });
    const error = new ConnectionError(why);
    for (const reject of [...this.#underway]) reject(error);
    this.#underway.clear();
    void this.#recover();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#isReady = false;
    for (const settle of this.#waiters.splice(0)) settle();
    for (const reject of [...this.#underway]) reject(new ConnectionError("the server is ending"));
    await this.connection.close();
    await Promise.all([...this.#attached, ...this.#requests]);
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      const { type } = status;
      if (type === "disconnect" || type === "staleConnection") this.suspect("the connection is lost");
      else if (type === "error" && status.error instanceof PermissionViolationError) {
        for (const events of this.#events) events.onRefused?.(status.error);
      }
    }
  }

  async #recover(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await delay(PROBE_MS, signal);
        const stream = await this.#findStream();
        for (const events of this.#events) await events.onFound?.(stream);
        if (signal.aborted) return;
        this.#isReady = true;
        this.#log.info("NATS is back online");
        for (const events of this.#events) events.onReady?.();
        for (const settle of this.#waiters.splice(0)) settle();
        return;
      } catch {
        // Still unreachable.
      }
    }
  }

  async #findStream(): Promise<StreamInfo> {
    try {
      return await this.attempt(this.jsm.streams.info(STREAM));
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "StreamNotFoundError") throw error;
    }
    const wanted = this.#options.replicas ?? (this.connection.info?.cluster === undefined ? 1 : DEFAULT_REPLICAS);
    // A cluster that has just started may not have found all its servers.
    for (const deadline = new Deadline(PEERS_WAIT_MS); deadline.remainingMs > 0;) {
      try {
        return await this.#addStream(wanted);
      } catch (error) {
        const isTooMany = error instanceof JetStreamApiError && TOO_MANY_REPLICAS.has(error.code);
        if (!isTooMany || this.#options.replicas !== undefined || wanted === 1) throw error;
      }
      await delay(PROBE_MS, this.#ending.signal);
    }
    this.#log.warning("NATS has too few servers for replicas: each message is kept by one of them", { wanted });
    return await this.#addStream(1);
  }

  async #addStream(replicas: number): Promise<StreamInfo> {
    const { maxMessages, maxAge, maxBytes } = this.#options.retention;
    const maxAgeMs = maxAge === undefined ? undefined : parseDuration(maxAge);
    try {
      return await this.jsm.streams.add({
        name: STREAM,
        subjects: [ROOM_SUBJECTS],
        storage: StorageType.File,
        num_replicas: replicas,
        allow_direct: true,
        // One more than promised, because a client's last message must still exist to prove that none after it was
        // deleted.
        max_msgs_per_subject: maxMessages + 1,
        max_bytes: maxBytes ?? -1,
        max_age: maxAgeMs === undefined ? 0 : nanos(maxAgeMs),
        duplicate_window: nanos(Math.min(DUPLICATE_WINDOW_MS, maxAgeMs ?? DUPLICATE_WINDOW_MS)),
      });
    } catch (error) {
      if (isRefusal(error) || error instanceof JetStreamApiError && TOO_MANY_REPLICAS.has(error.code)) throw error;
      // Another server created it at the same time.
      return await this.jsm.streams.info(STREAM);
    }
  }

  #noteReplicas({ config }: StreamInfo): void {
    this.#replicas = config.num_replicas;
    const { replicas: wanted = this.#replicas } = this.#options;
    if (wanted === this.#replicas) return;
    this.#log.warning("the stream has another number of replicas: change it with nats stream edit", {
      stream: STREAM,
      replicas: this.#replicas,
      wanted,
    });
  }
}
