import { DEFAULTS } from "../base/defaults.ts";
import { type Attempt, RefusedError } from "../base/errors.ts";
import { formatHostPort } from "./endpoint.ts";
import type { ResolvedAddress } from "./resolve.ts";
import { reasonOf } from "../base/system_error.ts";
import { toSocketError } from "./socket_error.ts";

/** Dependencies and options of {@linkcode happyEyeballs}. */
interface RaceOptions<C extends Disposable> {
  /** Opens one connection; must stop when the signal aborts. */
  dial: (address: ResolvedAddress, signal: AbortSignal) => Promise<C>;
  /** Ends all attempts. */
  signal: AbortSignal;
  /**
   * Head start of each address before the next is tried in parallel, in milliseconds.
   *
   * @default {250}
   */
  attemptDelayMs?: number;
  /** Called for each failed address. */
  onFailure?: ((attempt: Attempt) => void) | undefined;
}

/**
 * Connects to the first address that responds (Happy Eyeballs, RFC 8305 sections 4 and 5). Families alternate, starting
 * with the one that the resolver prefers; each address gets a head start unless it fails sooner; later connections are
 * closed.
 *
 * @throws {RefusedError} All addresses failed; the error lists them with the reasons.
 */
export async function raceAddresses<C extends Disposable>(
  addresses: readonly ResolvedAddress[],
  target: { endpoint: string; port: number },
  options: RaceOptions<C>,
): Promise<C> {
  const [only] = addresses;
  if (only !== undefined && addresses.length === 1) return await dialOnly(only, target, options);
  const order = interleave(addresses);
  const losers = new AbortController();
  const signal = AbortSignal.any([losers.signal, options.signal]);
  const outcome = Promise.withResolvers<C>();
  const attempts: Attempt[] = [];
  let next = 0;
  let running = 0;
  let isSettled = false;
  const causes: unknown[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function startNext(): void {
    clearTimeout(timer);
    const address = order[next++];
    if (address === undefined) return;
    running++;
    void attempt(address);
    if (next < order.length) timer = setTimeout(startNext, options.attemptDelayMs ?? DEFAULTS.attemptDelayMs);
  }

  async function attempt(address: ResolvedAddress): Promise<void> {
    try {
      const winner = await options.dial(address, signal);
      if (isSettled) return winner[Symbol.dispose]();
      isSettled = true;
      outcome.resolve(winner);
    } catch (error) {
      running--;
      causes.push(error);
      if (isSettled || options.signal.aborted) return;
      const attempt = { address: formatHostPort(address.address, target.port), reason: reasonOf(error) };
      attempts.push(attempt);
      options.onFailure?.(attempt);
      if (next < order.length) startNext();
      else if (running === 0) outcome.reject(failure(target.endpoint, attempts, causes));
    }
  }

  const onAbort = () => {
    // A second address may connect in the same turn; its connection has no other owner.
    isSettled = true;
    outcome.reject(options.signal.reason);
  };
  if (options.signal.aborted) throw options.signal.reason;
  options.signal.addEventListener("abort", onAbort, { once: true });
  startNext();
  try {
    return await outcome.promise;
  } finally {
    isSettled = true;
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
    losers.abort();
  }
}

/** Without a race, none of its costs. */
async function dialOnly<C extends Disposable>(
  address: ResolvedAddress,
  target: { endpoint: string; port: number },
  { dial, signal, onFailure }: RaceOptions<C>,
): Promise<C> {
  signal.throwIfAborted();
  const outcome = Promise.withResolvers<C>();
  const onAbort = () => outcome.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    void dial(address, signal).then((connection) => {
      if (signal.aborted) connection[Symbol.dispose]();
      else outcome.resolve(connection);
    }, outcome.reject);
    return await outcome.promise;
  } catch (error) {
    signal.throwIfAborted();
    const attempt = { address: formatHostPort(address.address, target.port), reason: reasonOf(error) };
    onFailure?.(attempt);
    throw failure(target.endpoint, [attempt], [error]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Interleaves the two families, starting with that of the first address. */
export function interleave(addresses: readonly ResolvedAddress[]): ResolvedAddress[] {
  const lead = addresses.filter(({ family }) => family === addresses[0]?.family);
  const other = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return lead.flatMap((address, index) => other[index] ? [address, other[index]] : [address])
    .concat(other.slice(lead.length));
}

function failure(endpoint: string, attempts: readonly Attempt[], causes: readonly unknown[]): Error {
  const errors = causes.map((cause) => toSocketError(cause, "connect to", endpoint));
  const refusal = errors.find((error) => error instanceof RefusedError);
  // A missing permission or a timeout of the system is not a refusal and has its own class.
  if (refusal === undefined) return errors.at(-1) ?? new RefusedError(`Cannot connect to ${endpoint}`, { endpoint });
  const list = attempts.map(({ address, reason }) => `${address}: ${reason}`).join(", ");
  return new RefusedError(`Cannot connect to ${endpoint} (${list})`, { endpoint, attempts, cause: refusal.cause });
}
