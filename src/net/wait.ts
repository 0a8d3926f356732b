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
  using _timer = timeout === undefined
    ? undefined
    : startTimer(parseDuration(timeout), () => other.reject(timeoutError()));
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, other.promise]);
  } finally {
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
    timer[Symbol.dispose]();
    reject(toError(signal?.reason));
  };
  const timer = startTimer(milliseconds, () => {
    signal?.removeEventListener("abort", onAbort);
    resolve();
  });
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
  const timer = startTimer(milliseconds, () => controller.abort(timeoutError()));
  return { signal: controller.signal, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** Maximum of a timer of the runtime: a longer one fires after 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls `action` after a time, however long it is, unless disposed of first. */
export function startTimer(milliseconds: number, action: () => void): Disposable {
  let timer: ReturnType<typeof setTimeout>;
  const start = (leftMs: number) => {
    timer = leftMs > MAX_TIMER_MS
      ? setTimeout(() => start(leftMs - MAX_TIMER_MS), MAX_TIMER_MS)
      : setTimeout(action, leftMs);
  };
  start(milliseconds);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
}
