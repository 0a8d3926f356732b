import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
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

/** Every message of a stream once and in its order, whatever happens to the connection. */
export class Feed {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #source: FeedSource;
  readonly #onMessage: (message: JsMsg) => void;
  #position: number;
  #messages: ConsumerMessages | undefined;
  #isRestartDue = false;
  /** Came, and is to be told at the end of the turn. */
  readonly #gathered: JsMsg[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

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

  /** Tells messages until the link ends, which waits for it; an error says that it cannot begin. */
  async start(): Promise<void> {
    const { signal } = this.#link;
    const messages = await this.#open();
    signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.#messages?.stop();
    }, { once: true });
    this.#link.attach(this.#run(messages, signal));
  }

  async #run(first: ConsumerMessages, signal: AbortSignal): Promise<void> {
    let messages: ConsumerMessages | undefined = first;
    while (!signal.aborted) {
      try {
        if (messages !== undefined) await this.#tellAll(messages);
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

  /** Asks anew: after NATS was away nobody knows what it still has for us. With a position it starts after that one. */
  restart(position = this.#position): void {
    this.#position = position;
    this.#gathered.length = 0;
    this.#isRestartDue = true;
    this.#messages?.stop();
  }

  async #open(): Promise<ConsumerMessages> {
    this.#isRestartDue = false;
    const { stream, subjects } = this.#source;
    const consumer = await this.#link.attempt(this.#link.js.consumers.get(stream, {
      filter_subjects: subjects,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
    }));
    return await consumer.consume({ max_messages: AHEAD, idle_heartbeat: HEARTBEAT_MS, expires: PULL_MS });
  }

  async #tellAll(messages: ConsumerMessages): Promise<void> {
    this.#messages = messages;
    // NATS may have gone and come while it was asked.
    if (this.#isRestartDue || this.#link.signal.aborted) messages.stop();
    for await (const message of messages) {
      if (this.#isRestartDue) break;
      this.#gathered.push(message);
      this.#timer ??= setTimeout(() => this.#tellGathered(), 0);
    }
  }

  /** What came in one turn is told in one go, so that it leaves for each member in one write. */
  #tellGathered(): void {
    this.#timer = undefined;
    for (const message of this.#gathered.splice(0)) {
      if (message.seq <= this.#position) continue;
      this.#position = message.seq;
      this.#onMessage(message);
    }
  }
}
