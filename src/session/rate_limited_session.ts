import { TokenBucket } from "../guard/token_bucket.ts";
import { delay, type WaitOptions } from "../net/wait.ts";
import type { Message, Session } from "./session.ts";
import { SessionDecorator } from "./session_decorator.ts";

/** How much one client may send; what goes beyond is read later, so the client is slowed down and loses nothing. */
export interface MessageRates {
  /** Messages a second; as many may come at once. */
  readonly messagesPerSecond?: number | undefined;
  /** Bytes a second; as many may come at once. */
  readonly bytesPerSecond?: number | undefined;
}

/** A session whose client is read no faster than its rates allow. */
export class RateLimitedSession extends SessionDecorator {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  /** Messages of the last read that have not been given to the service yet. */
  #waiting: readonly Message[] = [];
  #end = new AbortController();

  /** The rates start with what may come at once. */
  constructor(inner: Session, { messagesPerSecond, bytesPerSecond }: MessageRates) {
    super(inner);
    const nowMs = performance.now();
    this.#messages = messagesPerSecond === undefined
      ? undefined
      : new TokenBucket({ perSecond: messagesPerSecond }, nowMs);
    this.#bytes = bytesPerSecond === undefined ? undefined : new TokenBucket({ perSecond: bytesPerSecond }, nowMs);
  }

  override async receive(options?: WaitOptions): Promise<readonly Message[] | null> {
    if (this.#waiting.length === 0) {
      const batch = await super.receive(options);
      if (batch === null) return null;
      this.#waiting = batch;
    }
    const [next] = this.#waiting;
    if (next === undefined) return null;
    const nowMs = performance.now();
    const waitMs = Math.max(this.#messages?.take(1, nowMs) ?? 0, this.#bytes?.take(next.data.length, nowMs) ?? 0);
    if (waitMs > 0) await this.#pause(waitMs);
    if (this.closeReason !== undefined) return null;
    this.#waiting = this.#waiting.slice(1);
    return [next];
  }

  override close(...args: Parameters<Session["close"]>): void {
    this.#end.abort();
    super.close(...args);
  }

  override drain(): void {
    // What has been read is answered before the end, and at once.
    this.#end.abort();
    super.drain();
  }

  async #pause(waitMs: number): Promise<void> {
    await delay(waitMs, this.#end.signal).catch(() => {
      // The session is ending: nothing is to be waited for.
    });
  }
}
