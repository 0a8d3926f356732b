import { type Duration, parseDuration } from "../base/units.ts";

/** Options of a wait. */
export interface WaitOptions {
  /** Aborts the wait with its reason. */
  signal?: AbortSignal | undefined;
  /** Time limit; a `TimeoutError` ends the wait. */
  timeout?: Duration | undefined;
}

/**
 * Waits for `work` until the time is up or the signal aborts. The timer and the listener are removed when it returns;
 * `work` itself continues, and its later failure is not an unhandled rejection.
 *
 * @param timeoutError Creates the error for a timeout; required if there may be a time limit.
 * @throws The result of `timeoutError()`, the signal's reason, or the error of `work`.
 */
export function abortable<T>(work: Promise<T>, options: WaitOptions, timeoutError: () => Error): Promise<T>;
export function abortable<T>(work: Promise<T>, options: WaitOptions & { timeout?: undefined }): Promise<T>;
export async function abortable<T>(
  work: Promise<T>,
  { signal, timeout }: WaitOptions,
  timeoutError: () => Error = () => new Error("there is no time limit"),
): Promise<T> {
  // Otherwise a failure after a timeout would be an unhandled rejection.
  work.catch(() => {});
  signal?.throwIfAborted();
  const other = Promise.withResolvers<never>();
  const onAbort = () => other.reject(toError(signal?.reason));
  const timer = timeout === undefined
    ? undefined
    : setTimeout(() => other.reject(timeoutError()), parseDuration(timeout));
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, other.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * Waits until everything that is ready has run, including sockets. Uses a timer, because sockets are not polled while
 * immediates follow each other.
 */
export function nextTurn(): Promise<void> {
  return delay(0);
}

/** Waits for a time; the signal aborts it with its reason. */
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

/** Waits for a time, or less if the signal aborts; does not throw. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return delay(milliseconds, signal).catch(() => {});
}

/** Calls `action` when the signal aborts, at once if it already has, until disposed of. */
export function onAbort(signal: AbortSignal | undefined, action: () => void): Disposable {
  const listener = () => action();
  if (signal?.aborted) action();
  else signal?.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", listener) };
}

/** A signal that aborts after a time, with the error of `timeoutError`, unless disposed of first. */
export function timeoutSignal(
  milliseconds: number,
  timeoutError: () => Error,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(timeoutError()), milliseconds);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
}
