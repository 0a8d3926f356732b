import { messageOf, TimeoutError } from "../base/errors.ts";
import { Deadline } from "../net/deadline.ts";
import { delay } from "../net/wait.ts";

interface RetryOptions {
  /** Maximum time for one attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** Maximum time for all attempts, in milliseconds; `undefined` for a single attempt. */
  readonly waitMs: number | undefined;
  /** After the first success, further attempts must succeed for this time, in milliseconds. */
  readonly stableForMs?: number | undefined;
  /** The error if the success did not last that long. */
  readonly notStable?: () => Error;
  /** Cancels the attempts with its reason. */
  readonly signal: AbortSignal;
  /** Pauses between attempts, in milliseconds. */
  readonly backoff: { next(): number };
  /** Whether further attempts cannot change the outcome. */
  readonly isFinal: (error: unknown) => boolean;
  /** Called after each failed attempt. */
  readonly onFailure?: (error: unknown, tries: number) => void;
}

/** The outcome of the attempts, and how many failed for each reason. */
export type RetryResult<T> =
  & { readonly tries: number; readonly ms: number; readonly reasons: ReadonlyMap<string, number> }
  & ({ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown });

/** Bounds the memory for reasons that differ in each attempt. */
const MAX_REASONS = 20;

/**
 * Retries until an attempt succeeds or the common deadline is reached.
 *
 * @throws The signal's reason.
 */
export async function retryUntil<T>(
  attempt: (deadline: Deadline) => Promise<T>,
  options: RetryOptions,
): Promise<RetryResult<T>> {
  const { waitMs, timeoutMs, stableForMs = 0, signal } = options;
  const startMs = performance.now();
  const total = new Deadline(waitMs ?? timeoutMs + stableForMs, signal);
  const reasons = new Map<string, number>();
  let lastError: unknown;
  let goodSinceMs: number | undefined;
  const result = (tries: number) => ({ tries, ms: performance.now() - startMs, reasons });
  for (let tries = 1;; tries++) {
    const isCut = tries > 1 && total.remainingMs < timeoutMs;
    const attemptMs = performance.now();
    try {
      const value = await attempt(new Deadline(Math.min(timeoutMs, total.remainingMs), signal));
      goodSinceMs ??= attemptMs;
      if (performance.now() - goodSinceMs >= stableForMs) return { ok: true, value, ...result(tries) };
      if (total.remainingMs === 0) return { ok: false, error: options.notStable?.() ?? lastError, ...result(tries) };
      // The last attempt is made at the end of the time, not after it.
      const leftMs = Math.max(0, goodSinceMs + stableForMs - performance.now());
      await delay(Math.min(options.backoff.next(), leftMs, total.remainingMs), signal);
    } catch (error) {
      signal.throwIfAborted();
      const wasGood = goodSinceMs !== undefined;
      goodSinceMs = undefined;
      // A timeout of a shortened last attempt would hide the real reason, unless the attempt before was a success.
      if (wasGood || !(isCut && error instanceof TimeoutError)) lastError = error;
      count(reasons, messageOf(lastError));
      options.onFailure?.(lastError, tries);
      const pauseMs = options.backoff.next();
      if (waitMs === undefined || options.isFinal(error) || total.remainingMs <= pauseMs) {
        return { ok: false, error: lastError, ...result(tries) };
      }
      await delay(pauseMs, signal);
    }
  }
}

function count(reasons: Map<string, number>, reason: string): void {
  const before = reasons.get(reason);
  if (before !== undefined || reasons.size < MAX_REASONS) reasons.set(reason, (before ?? 0) + 1);
}
