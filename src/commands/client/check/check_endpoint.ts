import { Backoff } from "../../../base/backoff.ts";
import { ParleyError, PermissionError, ResolveError } from "../../../base/errors.ts";
import { EXIT, exitCodeOf } from "../../../cli/exit_codes.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { type Expectations, type Facts, probeFor } from "./probe.ts";
import { reasonFor } from "./report.ts";
import { type TryOptions, type TryResult, tryUntil } from "./try_until.ts";

/** Waits between tries: short, so that a server is seen soon after it has come up. */
const BACKOFF = { firstMs: 25, mostMs: 150, jitter: 0.4 } as const;

/** How an endpoint is checked. */
export interface CheckOptions extends Pick<TryOptions, "timeoutMs" | "waitMs" | "signal" | "onFailure"> {
  /** The check must fail. */
  readonly isInverted: boolean;
}

/**
 * Looks whether an endpoint is as expected, or waits until it is.
 *
 * @throws The signal's reason.
 */
export async function checkEndpoint(
  endpoint: Endpoint,
  expected: Expectations,
  options: CheckOptions,
): Promise<TryResult<Facts>> {
  const probe = probeFor(endpoint);
  return await tryUntil(
    (deadline) => {
      const work = probe(endpoint, expected, deadline);
      return options.isInverted ? inverted(work, formatEndpoint(endpoint)) : work;
    },
    { ...options, backoff: new Backoff(BACKOFF), isFinal: saysNothing },
  );
}

/** Whether the failure is ours: it says nothing of the server. */
export function saysNothing(error: unknown): boolean {
  return error instanceof PermissionError || exitCodeOf(error) === EXIT.usage;
}

async function inverted(work: Promise<Facts>, endpoint: string): Promise<Facts> {
  try {
    await work;
  } catch (error) {
    if (saysNothing(error) || error instanceof ResolveError || !(error instanceof ParleyError)) throw error;
    return { found: reasonFor(error, endpoint) };
  }
  throw new ParleyError(`${endpoint} is there, and should not be`, { endpoint });
}
