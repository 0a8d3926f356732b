import type { ChatEvent } from "../event.ts";

/** A place in the stream of all messages. */
export interface StreamPosition {
  readonly epoch: string;
  readonly seq: number;
}

/** How far the messages have been told. */
export interface MessageClock {
  /** The last message that was told here. */
  readonly position: StreamPosition;
  /** Waits until a message has been told here; `undefined` where it has, or never will because the stream is another. */
  reached(position: StreamPosition): Promise<void> | undefined;
}

/** Something to tell the members of some rooms. */
export interface News {
  readonly roomKeys: readonly string[];
  readonly event: ChatEvent;
}

/**
 * News of people on other servers, in their order: none is passed on before the
 * messages that were told where it comes from, so that nobody is said to have
 * left who is then heard.
 */
export class NewsQueue {
  readonly #clock: MessageClock;
  readonly #tell: (news: News) => void;
  readonly #waiting: { readonly news: News; readonly after: StreamPosition | undefined }[] = [];

  constructor(clock: MessageClock, tell: (news: News) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Tells something after the messages up to a place. */
  push(news: News, after: StreamPosition | undefined): void {
    this.#waiting.push({ news, after });
    if (this.#waiting.length === 1) void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const reached = first.after && this.#clock.reached(first.after);
      if (reached !== undefined) await reached;
      this.#waiting.shift();
      this.#tell(first.news);
    }
  }
}
