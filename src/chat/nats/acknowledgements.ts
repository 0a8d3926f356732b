import { JetStreamApiError } from "@nats-io/jetstream";
import {
  ClosedConnectionError,
  createInbox,
  headers,
  type Msg,
  NoRespondersError,
  type PermissionViolationError,
  type Subscription,
  TimeoutError,
} from "@nats-io/transport-node";
import type { NatsLink } from "./link.ts";

/** JetStream's acknowledgement of a message. */
export interface Acknowledgement {
  readonly seq: number;
  /** Duplicate: a message with the same ID was already stored under this number. */
  readonly isDuplicate: boolean;
}

interface Pending {
  readonly subject: string;
  readonly endMs: number;
  resolve(acknowledgement: Acknowledgement): void;
  reject(error: unknown): void;
}

/**
 * Publishes messages to JetStream and matches its acknowledgements. All use one inbox and one timer, because a request
 * of the NATS client has its own timer and prepared errors for each message.
 */
export class Acknowledgements {
  readonly #link: NatsLink;
  readonly #waitMs: number;
  readonly #inbox = `${createInbox()}.`;
  #subscription: Subscription | undefined;
  #count = 0;
  /** By the last token of the inbox, in the order of publishing, which is also that of expiry. */
  readonly #pending = new Map<string, Pending>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `waitMs` is the time limit for an acknowledgement. */
  constructor(link: NatsLink, waitMs: number) {
    this.#link = link;
    this.#waitMs = waitMs;
    link.watch({ onRefused: (refusal) => this.#onRefused(refusal) });
    link.signal.addEventListener("abort", () => this.#rejectAll(new ClosedConnectionError()), { once: true });
  }

  /**
   * Publishes a message; JetStream stores each `id`, which may contain any characters, once.
   *
   * @throws {JetStreamApiError} JetStream rejected it.
   * @throws {PermissionViolationError} NATS rejected it.
   * @throws {InvalidArgumentError} The message is too large for NATS.
   * @throws {TimeoutError} There was no acknowledgement in time.
   */
  publish(subject: string, data: string, id: string): Promise<Acknowledgement> {
    return new Promise((resolve, reject) => {
      const token = (this.#count++).toString(36);
      const named = headers();
      // As JSON, because a header cannot contain line ends and loses leading and trailing spaces.
      named.set("Nats-Msg-Id", JSON.stringify(id));
      this.#listen();
      this.#link.connection.publish(subject, data, { reply: this.#inbox + token, headers: named });
      this.#pending.set(token, { subject, endMs: performance.now() + this.#waitMs, resolve, reject });
      this.#timer ??= setTimeout(() => this.#refuseLate(), this.#waitMs);
    });
  }

  #listen(): void {
    this.#subscription ??= this.#link.connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => this.#onAnswer(error, message),
    });
  }

  #onRefused(refusal: PermissionViolationError): void {
    if (refusal.operation === "publish") this.#rejectAll(refusal, ({ subject }) => subject === refusal.subject);
  }

  #rejectAll(error: Error, isMeant = (_: Pending) => true): void {
    for (const [token, pending] of this.#pending) if (isMeant(pending)) this.#take(token)?.reject(error);
  }

  #onAnswer(error: Error | null, message: Msg): void {
    if (error !== null) {
      // The subscription has ended; the next message opens another.
      this.#subscription = undefined;
      return this.#rejectAll(error);
    }
    const pending = this.#take(message.subject.slice(this.#inbox.length));
    // It may have timed out meanwhile.
    if (pending === undefined) return;
    try {
      pending.resolve(parse(message));
    } catch (error) {
      pending.reject(error);
    }
  }

  #take(token: string): Pending | undefined {
    const pending = this.#pending.get(token);
    this.#pending.delete(token);
    if (this.#pending.size === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    return pending;
  }

  #refuseLate(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [token, { endMs, reject }] of this.#pending) {
      if (endMs > nowMs) {
        this.#timer = setTimeout(() => this.#refuseLate(), endMs - nowMs);
        return;
      }
      this.#take(token);
      reject(new TimeoutError());
    }
  }
}

/** Parses an acknowledgement: `{"stream":"PARLEY","seq":7,"duplicate":true}`, or `{"error":{"description":"..."}}`. */
function parse(message: Msg): Acknowledgement {
  if (message.data.length === 0) throw new NoRespondersError(message.subject);
  const { seq, duplicate, error } = message.json<{
    seq?: number;
    duplicate?: boolean;
    error?: { code?: number; err_code?: number; description?: string };
  }>();
  if (error !== undefined) {
    const { code = 0, err_code = 0, description = "JetStream does not say why" } = error;
    throw new JetStreamApiError({ code, err_code, description });
  }
  if (typeof seq !== "number") throw new Error("the answer is none of JetStream's");
  return { seq, isDuplicate: duplicate === true };
}
