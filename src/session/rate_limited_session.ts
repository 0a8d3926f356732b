import { TokenBucket } from "../guard/token_bucket.ts";
import { pause, type WaitOptions } from "../net/wait.ts";
import type { Message, Session } from "./session.ts";
import { SessionDecorator } from "./session_decorator.ts";

/** Rates of one client. Excess data is read later, which slows the client down without loss. */
export interface MessageRates {
  /** Messages per second, and maximum burst. */
  readonly messagesPerSecond?: number | undefined;
  /** Bytes per second, and maximum burst. */
  readonly bytesPerSecond?: number | undefined;
}

/** Limits how fast a session is read. */
export class RateLimitedSession extends SessionDecorator {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  /** Messages of the last read that have not been delivered yet. */
  #waiting: readonly Message[] = [];
  #end = new AbortController();

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
    if (waitMs > 0) await pause(waitMs, this.#end.signal);
    if (this.closeReason !== undefined) return null;
    this.#waiting = this.#waiting.slice(1);
    return [next];
  }

  override close(...args: Parameters<Session["close"]>): void {
    this.#end.abort();
    super.close(...args);
  }

  override drain(): void {
    // At the end, buffered messages are delivered without delay.
    this.#end.abort();
    super.drain();
  }
}
