import { DEFAULTS } from "../base/defaults.ts";
import { type Attempt, RefusedError } from "../base/errors.ts";
import { formatHostPort } from "./endpoint.ts";
import type { ResolvedAddress } from "./resolve.ts";
import { reasonOf } from "../base/system_error.ts";
import { toSocketError } from "./socket_error.ts";

/** What the race depends on; tests pass fakes. */
export interface RaceOptions<C extends Disposable> {
  /** Opens one connection; must give up when the signal aborts. */
  dial: (address: ResolvedAddress, signal: AbortSignal) => Promise<C>;
  /** Ends the race from outside. */
  signal: AbortSignal;
  /**
   * Head start of each address before the next is tried in parallel, in milliseconds.
   *
   * @default {250}
   */
  attemptDelayMs?: number;
  /** Called for each address that did not answer. */
  onFailure?: ((attempt: Attempt) => void) | undefined;
}

/**
 * Connects to the first address that answers (Happy Eyeballs, RFC 8305
 * sections 4 and 5): families alternate, IPv6 first where the resolver said so; each address gets a head
 * start, or less when it fails sooner; those that lose are closed.
 *
 * @throws {RefusedError} None answered; it lists each address and its reason.
 */
export async function raceAddresses<C extends Disposable>(
  addresses: readonly ResolvedAddress[],
  target: { endpoint: string; port: number },
  options: RaceOptions<C>,
): Promise<C> {
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
    // An address may answer in the same turn: its connection then has no owner but the race.
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

/** First of one family, first of the other, second of the one, and so on; the family of the first address leads. */
export function interleave(addresses: readonly ResolvedAddress[]): ResolvedAddress[] {
  const lead = addresses.filter(({ family }) => family === addresses[0]?.family);
  const other = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return lead.flatMap((address, index) => other[index] ? [address, other[index]] : [address])
    .concat(other.slice(lead.length));
}

function failure(endpoint: string, attempts: readonly Attempt[], causes: readonly unknown[]): Error {
  const errors = causes.map((cause) => toSocketError(cause, "connect to", endpoint));
  const refusal = errors.find((error) => error instanceof RefusedError);
  // No network's answer but a missing permission or a system's timeout: those have classes of their own.
  if (refusal === undefined) return errors.at(-1) ?? new RefusedError(`Cannot connect to ${endpoint}`, { endpoint });
  const list = attempts.map(({ address, reason }) => `${address}: ${reason}`).join(", ");
  return new RefusedError(`Cannot connect to ${endpoint} (${list})`, { endpoint, attempts, cause: refusal.cause });
}
