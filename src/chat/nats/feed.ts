import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { pause } from "../../net/wait.ts";
import type { NatsLink } from "./link.ts";

/** Maximum messages in flight from NATS. */
const AHEAD = 1_000;
const HEARTBEAT_MS = 2_000;
const PULL_MS = 30_000;
const RETRY_MS = 250;

/** The source of a {@linkcode Feed}. */
interface FeedSource {
  readonly stream: string;
  readonly subjects: string;
  /** It starts after the message of this number. */
  readonly position: number;
  /** Time of that message, in milliseconds. */
  readonly timeMs: number;
}

/** A caller waiting for the delivery of a message. */
interface Waiter {
  readonly seq: number;
  readonly wake: () => void;
}

/** Delivers every message of a stream once and in order, across reconnects. */
export class Feed {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #source: FeedSource;
  readonly #onMessage: (message: JsMsg) => void;
  #position: number;
  /** Time of the newest delivered message. */
  #timeMs: number;
  #messages: ConsumerMessages | undefined;
  /** Counts requests: messages of earlier ones are ignored. */
  #round = 0;
  #waiters: Waiter[] = [];

  /** Reads nothing before {@linkcode start}. */
  constructor(link: NatsLink, source: FeedSource, log: Logger, onMessage: (message: JsMsg) => void) {
    this.#link = link;
    this.#source = source;
    this.#position = source.position;
    this.#timeMs = source.timeMs;
    this.#log = log;
    this.#onMessage = onMessage;
  }

  /** Number of the last delivered message. */
  get position(): number {
    return this.#position;
  }

  /**
   * Settles once the message with this number or a later one was delivered, the numbering was reset, the feed has
   * ended, or `maxMs` have passed. `undefined` if it was already delivered.
   */
  whenDelivered(seq: number, maxMs?: number): Promise<void> | undefined {
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

  /** Delivers messages until the link ends, which waits for it; throws if it cannot start. */
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
        messages = await this.#link.whenReady(PULL_MS) ? await this.#open() : undefined;
      } catch (error) {
        messages = undefined;
        if (signal.aborted) return;
        this.#log.warning("reading from NATS failed; retrying", { error: messageOf(error) });
        await pause(RETRY_MS, signal);
      }
    }
    messages?.stop();
  }

  /** Requests again: after an outage it is unknown what NATS will still send. */
  restart(): void {
    this.#round++;
    this.#messages?.stop();
  }

  /**
   * NATS is back online with the same stream. If it has lost its last messages, as after a power failure, their numbers
   * are given again: continues after those that are left, and returns the number of the last of them. Replicas lose
   * none, but a new leader may report fewer than it has for a moment, and its clock may differ.
   */
  async goOn({ config, state }: Pick<StreamInfo, "config" | "state">): Promise<number | undefined> {
    const { messages, last_seq } = state;
    const delivered = this.#position;
    const left = config.num_replicas === 1 ? await this.#lastBefore(this.#timeMs + 1) : delivered;
    const isRewound = left < delivered;
    if (isRewound) this.#position = left;
    else if (messages === 0 && last_seq > this.#position) this.#position = last_seq;
    this.restart();
    this.#wake(isRewound ? Infinity : this.#position);
    return isRewound ? left : undefined;
  }

  /** The stream was lost; a new one starts with its first message. */
  startAnew(): void {
    this.#position = this.#timeMs = 0;
    this.restart();
    this.#wake(Infinity);
  }

  /**
   * Number of the last message before a time. Numbers alone do not reveal a loss: by now, another server may have
   * written as many messages as were lost.
   */
  async #lastBefore(timeMs: number): Promise<number> {
    const { delivered } = await this.#addConsumer({
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(timeMs).toISOString(),
    });
    return delivered.stream_seq;
  }

  #addConsumer(start: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
    const { stream, subjects } = this.#source;
    return this.#link.attempt(this.#link.jsm.consumers.add(stream, {
      // With a name, the request's subject is covered by the permissions in the manual.
      name: crypto.randomUUID(),
      filter_subject: subjects,
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(PULL_MS),
      mem_storage: true,
      num_replicas: 1,
      ...start,
    }));
  }

  async #open(): Promise<ConsumerMessages> {
    const round = ++this.#round;
    // Not the client's ordered consumer, whose timers for recreating it outlive it; this class recreates the consumer
    // itself.
    const { name } = await this.#addConsumer({
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
    });
    const consumer = await this.#link.attempt(this.#link.js.consumers.get(this.#source.stream, name));
    const messages = await consumer.consume({
      abort_on_missing_resource: true,
      max_messages: AHEAD,
      idle_heartbeat: HEARTBEAT_MS,
      expires: PULL_MS,
      // Not an iterator: the messages of one read are handled in one turn, and sent to each member in one write.
      callback: (message) => this.#deliver(message, round),
    });
    this.#messages = messages;
    this.#link.attach(this.#watch(messages, round));
    // NATS may have disconnected and reconnected meanwhile.
    if (round !== this.#round || this.#link.signal.aborted) messages.stop();
    return messages;
  }

  /** Requests again if NATS sends no heartbeats: the server with the consumer may be down. */
  async #watch(messages: ConsumerMessages, round: number): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type === "heartbeats_missed" && round === this.#round) this.restart();
    }
  }

  /** Settles when the request has ended. */
  async #end(messages: ConsumerMessages): Promise<void> {
    const error = await messages.closed();
    if (error instanceof Error) throw error;
  }

  #deliver(message: JsMsg, round: number): void {
    if (round !== this.#round || message.seq <= this.#position) return;
    this.#position = message.seq;
    this.#timeMs = Math.max(this.#timeMs, message.time.getTime());
    this.#onMessage(message);
    if (this.#waiters.length > 0) this.#wake(message.seq);
  }

  #wake(delivered: number): void {
    const due = this.#waiters.filter(({ seq }) => seq <= delivered);
    this.#waiters = this.#waiters.filter(({ seq }) => seq > delivered);
    for (const { wake } of due) wake();
  }
}
