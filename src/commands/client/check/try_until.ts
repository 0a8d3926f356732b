import { TimeoutError } from "../../../base/errors.ts";
import { Deadline } from "../../../net/deadline.ts";
import { delay } from "../../../net/wait.ts";

/** How tries follow one another. */
export interface TryOptions {
  /** For one try, in milliseconds. */
  readonly timeoutMs: number;
  /** For all of them; without it there is one try. */
  readonly waitMs: number | undefined;
  /** Ends everything with its reason. */
  readonly signal: AbortSignal;
  /** Waits between tries, in milliseconds. */
  readonly backoff: { next(): number };
  /** Whether no further try can go better. */
  readonly isFinal: (error: unknown) => boolean;
  /** Told of each try that failed. */
  readonly onFailure?: (error: unknown, tries: number) => void;
}

/** What came of the tries. */
export type TryResult<T> =
  & { readonly tries: number; readonly ms: number }
  & ({ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown });

/**
 * Tries until it works or the time is up: one deadline for all tries together.
 *
 * @throws The signal's reason.
 */
export async function tryUntil<T>(
  attempt: (deadline: Deadline) => Promise<T>,
  options: TryOptions,
): Promise<TryResult<T>> {
  const { waitMs, timeoutMs, signal } = options;
  const startMs = performance.now();
  const total = new Deadline(waitMs ?? timeoutMs, signal);
  let lastError: unknown;
  for (let tries = 1;; tries++) {
    const isCut = tries > 1 && total.remainingMs < timeoutMs;
    try {
      const value = await attempt(new Deadline(Math.min(timeoutMs, total.remainingMs), signal));
      return { ok: true, value, tries, ms: performance.now() - startMs };
    } catch (error) {
      signal.throwIfAborted();
      // A try that was given less than its time says nothing new by running out of it.
      if (!(isCut && error instanceof TimeoutError)) lastError = error;
      options.onFailure?.(lastError, tries);
      const waitNextMs = options.backoff.next();
      if (waitMs === undefined || options.isFinal(error) || total.remainingMs <= waitNextMs) {
        return { ok: false, error: lastError, tries, ms: performance.now() - startMs };
      }
      await delay(waitNextMs, signal);
    }
  }
}
