import { Backoff } from "../base/backoff.ts";
import { ClosedEarlyError, RefusedError, ResetError, ResolveError, TimeoutError } from "../base/errors.ts";
import { delay } from "./wait.ts";

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /**
   * Maximum number of attempts.
   *
   * @default {3}
   */
  tries?: number;
  /**
   * Delays between attempts, in milliseconds.
   *
   * @default {100 ms, doubling to 10 s, a quarter of it random}
   */
  backoff?: { next(): number };
  /**
   * Whether another attempt may succeed.
   *
   * @default {a failed lookup, a refusal, a reset, an early end, a timeout}
   */
  isTransient?: (error: unknown) => boolean;
  /** Aborts the delays with its reason. */
  signal?: AbortSignal;
}

/**
 * Repeats an operation while it fails with transient errors. It must be safe to repeat.
 *
 * @example A server that is still starting
 * ```ts
 * import { Backoff, connect, findFreePort, listen, retry } from "@parley/parley";
 *
 * const endpoint = `tcp://127.0.0.1:${findFreePort()}`;
 * const connecting = retry(() => connect(endpoint), { tries: 20, backoff: new Backoff({ max: "50ms" }) });
 * using listener = await listen(endpoint);
 * await using connection = await connecting;
 * ```
 *
 * @throws The error of the last attempt.
 */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { tries = 3, isTransient = isTransientFailure, signal } = options;
  const backoff = options.backoff ?? new Backoff({ first: 100, max: 10_000, jitter: 0.25 });
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= tries || !isTransient(error)) throw error;
      await delay(backoff.next(), signal);
    }
  }
}

function isTransientFailure(error: unknown): boolean {
  return error instanceof ResolveError || error instanceof RefusedError || error instanceof ResetError ||
    error instanceof ClosedEarlyError || error instanceof TimeoutError;
}
