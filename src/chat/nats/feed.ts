import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { delay } from "../../net/wait.ts";
import type { NatsLink } from "./link.ts";

/** Messages that NATS may send ahead. */
const AHEAD = 1_000;
const HEARTBEAT_MS = 2_000;
const PULL_MS = 30_000;
const RETRY_MS = 250;

/** What a {@linkcode Feed} reads. */
export interface FeedSource {
  readonly stream: string;
  readonly subjects: string;
  /** It starts after the message of this number. */
  readonly position: number;
}

/** Someone who waits until a message was told. */
interface Waiter {
  readonly seq: number;
  readonly wake: () => void;
}

/** Every message of a stream once and in its order, whatever happens to the connection. */
export class Feed {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #source: FeedSource;
  readonly #onMessage: (message: JsMsg) => void;
  #position: number;
  #messages: ConsumerMessages | undefined;
  /** Counts the askings: what comes of an earlier one is not told. */
  #round = 0;
  #waiters: Waiter[] = [];

  /** Nothing is read before {@linkcode start}. */
  constructor(link: NatsLink, source: FeedSource, log: Logger, onMessage: (message: JsMsg) => void) {
    this.#link = link;
    this.#source = source;
    this.#position = source.position;
    this.#log = log;
    this.#onMessage = onMessage;
  }

  /** Number of the last message that was told. */
  get position(): number {
    return this.#position;
  }

  /**
   * Settles once the message of this number, or a later one, was told; or the numbering starts again, or this ends, or
   * `maxMs` have passed. `undefined` where it was told already.
   */
  told(seq: number, maxMs?: number): Promise<void> | undefined {
    if (seq <= this.#position) return undefined;
    return new Promise((resolve) => {
      const waiter: Waiter = {
        seq,
        wake: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const giveUp = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve();
      };
      const timer = maxMs === undefined ? undefined : setTimeout(giveUp, maxMs);
      this.#waiters.push(waiter);
    });
  }

  /** Tells messages until the link ends, which waits for it; an error says that it cannot begin. */
  async start(): Promise<void> {
    const { signal } = this.#link;
    const messages = await this.#open();
    signal.addEventListener("abort", () => {
      this.#messages?.stop();
      this.#wake(Infinity);
    }, { once: true });
    this.#link.attach(this.#run(messages, signal));
  }

  async #run(first: ConsumerMessages, signal: AbortSignal): Promise<void> {
    let messages: ConsumerMessages | undefined = first;
    while (!signal.aborted) {
      try {
        if (messages !== undefined) await this.#end(messages);
        messages = await this.#link.whenReady(performance.now() + PULL_MS) ? await this.#open() : undefined;
      } catch (error) {
        messages = undefined;
        if (signal.aborted) return;
        this.#log.warning("reading from NATS failed: it is tried again", { error: messageOf(error) });
        await delay(RETRY_MS, signal).catch(() => {});
      }
    }
    messages?.stop();
  }

  /** Asks again: after an outage it is unknown what NATS has left to send. */
  restart(): void {
    this.#round++;
    this.#messages?.stop();
  }

  /** The stream was lost: another begins with its first message. */
  startAnew(): void {
    this.#position = 0;
    this.restart();
    this.#wake(Infinity);
  }

  async #open(): Promise<ConsumerMessages> {
    const round = ++this.#round;
    const { stream, subjects } = this.#source;
    // No ordered consumer: the client's starts timers to make it again that outlive it. This does so itself.
    const { name } = await this.#link.attempt(this.#link.jsm.consumers.add(stream, {
      // With a name, the request has a subject of this stream, which the README's rights allow.
      name: crypto.randomUUID(),
      filter_subject: subjects,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(PULL_MS),
      mem_storage: true,
      num_replicas: 1,
    }));
    const consumer = await this.#link.attempt(this.#link.js.consumers.get(stream, name));
    const messages = await consumer.consume({
      abort_on_missing_resource: true,
      max_messages: AHEAD,
      idle_heartbeat: HEARTBEAT_MS,
      expires: PULL_MS,
      // Not by an iterator: what one read brings is handled in one turn, and leaves for each member in one write.
      callback: (message) => this.#tell(message, round),
    });
    this.#messages = messages;
    this.#link.attach(this.#watch(messages, round));
    // NATS may have gone and come while it was asked.
    if (round !== this.#round || this.#link.signal.aborted) messages.stop();
    return messages;
  }

  /** Asks again if NATS does not send heartbeats: the server that kept the consumer may be gone. */
  async #watch(messages: ConsumerMessages, round: number): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === "heartbeats_missed" && round === this.#round) this.restart();
    }
  }

  /** Settles when no more will come of what was asked for. */
  async #end(messages: ConsumerMessages): Promise<void> {
    const error = await messages.closed();
    if (error instanceof Error) throw error;
  }

  #tell(message: JsMsg, round: number): void {
    if (round !== this.#round || message.seq <= this.#position) return;
    this.#position = message.seq;
    this.#onMessage(message);
    if (this.#waiters.length > 0) this.#wake(message.seq);
  }

  #wake(told: number): void {
    const due = this.#waiters.filter(({ seq }) => seq <= told);
    this.#waiters = this.#waiters.filter(({ seq }) => seq > told);
    for (const { wake } of due) wake();
  }
}
