import type { ChatEvent } from "../event.ts";

/** A position in the stream of all messages. */
export interface StreamPosition {
  readonly epoch: string;
  readonly seq: number;
}

/** Position of delivered messages. */
export interface MessageClock {
  /** The last delivered message. */
  readonly position: StreamPosition;
  /**
   * Waits for the delivery of a message; `undefined` if it was delivered, or never will be because the stream was
   * replaced.
   */
  reached(position: StreamPosition): Promise<void> | undefined;
}

/** An event for the members of some rooms. */
interface News {
  readonly roomKeys: readonly string[];
  readonly event: ChatEvent;
}

/**
 * Events about members on other servers, in order: each is delivered after the messages that preceded it on its server,
 * so that no message of a member follows its leave event.
 */
export class NewsQueue {
  readonly #clock: MessageClock;
  readonly #deliver: (news: News) => void;
  readonly #waiting: { readonly news: News; readonly after: StreamPosition | undefined }[] = [];

  constructor(clock: MessageClock, deliver: (news: News) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  /** Delivers an event after the messages up to a position. */
  push(news: News, after: StreamPosition | undefined): void {
    this.#waiting.push({ news, after });
    if (this.#waiting.length === 1) void this.#deliverAll();
  }

  async #deliverAll(): Promise<void> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const reached = first.after && this.#clock.reached(first.after);
      if (reached !== undefined) await reached;
      this.#waiting.shift();
      this.#deliver(first.news);
    }
  }
}
