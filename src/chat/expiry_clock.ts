/** Where the time comes from. */
export interface ExpiryClockOptions {
  /**
   * The system's time, in milliseconds since 1970; it may be set.
   *
   * @default {Date.now}
   */
  readonly now?: (() => number) | undefined;
  /**
   * A time that is never set, in milliseconds.
   *
   * @default {performance.now}
   */
  readonly monotonicNow?: (() => number) | undefined;
}

/**
 * The time by which messages expire. It is never ahead of the system's, and
 * advances at most twice as fast as time passes: a clock that is set forward,
 * rightly or wrongly, deletes nothing by that alone.
 */
export function expiryClock(options: ExpiryClockOptions): () => number {
  const { now = Date.now, monotonicNow = () => performance.now() } = options;
  let lastMs = now();
  let readMs = monotonicNow();
  return () => {
    const nowMs = monotonicNow();
    lastMs = Math.min(now(), lastMs + 2 * (nowMs - readMs));
    readMs = nowMs;
    return lastMs;
  };
}
