/** How long a wait may take, and what may end it. */
export interface WaitOptions {
  /** Ends the wait with its reason. */
  signal?: AbortSignal | undefined;
  /** Ends the wait with a `TimeoutError`, in milliseconds. */
  timeoutMs?: number | undefined;
}

/**
 * The outcome of `work`, unless the time runs out or the signal comes first.
 * The timer and the listener are removed when it returns; `work` itself
 * continues, and a late failure of it is not an unhandled rejection.
 *
 * @param timeoutError Makes the error of a wait whose time ran out; needed if there may be a time limit.
 * @throws What `timeoutError()` makes, the signal's reason, or what `work` threw.
 */
export function abortable<T>(work: Promise<T>, options: WaitOptions, timeoutError: () => Error): Promise<T>;
export function abortable<T>(work: Promise<T>, options: WaitOptions & { timeoutMs?: undefined }): Promise<T>;
export async function abortable<T>(
  work: Promise<T>,
  { signal, timeoutMs }: WaitOptions,
  timeoutError: () => Error = () => new Error("there is no time limit"),
): Promise<T> {
  // Handled here: when another outcome wins, nothing else handles a failure of it.
  work.catch(() => {});
  signal?.throwIfAborted();
  const other = Promise.withResolvers<never>();
  const onAbort = () => other.reject(toError(signal?.reason));
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => other.reject(timeoutError()), timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, other.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * Waits until all that is ready now has had its turn, sockets among it. A
 * timer, because while immediates follow each other no socket is polled.
 */
export function nextTurn(): Promise<void> {
  return delay(0);
}

/** Waits for a time; the signal ends it early with its reason. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted) {
    reject(toError(signal.reason));
    return promise;
  }
  const onAbort = () => {
    clearTimeout(timer);
    reject(toError(signal?.reason));
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener("abort", onAbort);
    resolve();
  }, milliseconds);
  signal?.addEventListener("abort", onAbort, { once: true });
  return promise;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
}
