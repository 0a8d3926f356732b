/** Clock sources. */
export interface ExpiryClockOptions {
  /**
   * Wall clock in milliseconds since 1970; may be adjusted.
   *
   * @default {Date.now}
   */
  readonly now?: (() => number) | undefined;
  /**
   * Monotonic clock in milliseconds.
   *
   * @default {performance.now}
   */
  readonly monotonicNow?: (() => number) | undefined;
}

/**
 * The clock for message expiry. It is never ahead of the wall clock, and advances at most twice as fast as real time,
 * so that setting the wall clock forward does not delete messages by itself.
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
