import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../log/logger.ts";
import { delay } from "../../net/wait.ts";
import type { NatsLink } from "./link.ts";
import { decodeDraft, type StoredMessage } from "./stored_message.ts";
import { ROOM_SUBJECTS, STREAM } from "./subjects.ts";

/** Messages that NATS may send ahead. */
const AHEAD = 1_000;
const HEARTBEAT_MS = 2_000;
const PULL_MS = 30_000;
const RETRY_MS = 250;

/** Every message of the stream once and in its order, whatever happens to the connection. */
export class Feed {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #onMessage: (message: StoredMessage) => void;
  #position: number;
  #messages: ConsumerMessages | undefined;
  #isRestartDue = false;

  /** Starts after the message numbered `position`. */
  constructor(link: NatsLink, position: number, log: Logger, onMessage: (message: StoredMessage) => void) {
    this.#link = link;
    this.#position = position;
    this.#log = log;
    this.#onMessage = onMessage;
  }

  /** Number of the last message that was told. */
  get position(): number {
    return this.#position;
  }

  /** Tells messages until the server ends. */
  async run(): Promise<void> {
    const { signal } = this.#link;
    while (!signal.aborted) {
      try {
        if (await this.#link.whenReady(performance.now() + PULL_MS) && !signal.aborted) await this.#consume();
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warning("reading from NATS failed: it is tried again", { error: messageOf(error) });
        await delay(RETRY_MS, signal).catch(() => {});
      }
    }
  }

  /** Asks anew: after NATS was away nobody knows what it still has for us. With a position it starts after that one. */
  restart(position = this.#position): void {
    this.#position = position;
    this.#isRestartDue = true;
    this.#messages?.stop();
  }

  /** Stops for good. */
  stop(): void {
    this.#messages?.stop();
  }

  async #consume(): Promise<void> {
    this.#isRestartDue = false;
    const consumer = await this.#link.attempt(this.#link.js.consumers.get(STREAM, {
      filter_subjects: ROOM_SUBJECTS,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
    }));
    this.#messages = await consumer.consume({ max_messages: AHEAD, idle_heartbeat: HEARTBEAT_MS, expires: PULL_MS });
    // NATS may have gone and come while it was asked.
    if (this.#isRestartDue || this.#link.signal.aborted) this.#messages.stop();
    for await (const message of this.#messages) {
      if (this.#isRestartDue) break;
      this.#tell(message);
    }
  }

  #tell(message: JsMsg): void {
    if (message.seq <= this.#position) return;
    this.#position = message.seq;
    const decoded = decodeDraft(message.string());
    if (decoded === undefined) return this.#log.warning("no message of a room", { subject: message.subject });
    this.#onMessage({ subject: message.subject, seq: message.seq, at: message.timestamp, ...decoded });
  }
}
