import { Backoff } from "../../../base/backoff.ts";
import {
  ClosedEarlyError,
  hasCode,
  ParleyError,
  PermissionError,
  RefusedError,
  ResetError,
  TimeoutError,
  TlsError,
  UpgradeError,
} from "../../../base/errors.ts";
import { EXIT, exitCodeOf } from "../../../cli/exit_codes.ts";
import { type Endpoint, formatEndpoint } from "../../../net/endpoint.ts";
import { type Expectations, type Facts, probeFor } from "./probe.ts";
import { reasonFor } from "./report.ts";
import { type TryOptions, type TryResult, tryUntil } from "./try_until.ts";

/** Waits between tries: short, so that a server is seen soon after it has come up. */
const BACKOFF = { firstMs: 25, mostMs: 150, jitter: 0.4 } as const;

/** How an endpoint is checked. */
export interface CheckOptions extends Pick<TryOptions, "timeoutMs" | "waitMs" | "signal" | "onFailure"> {
  /** The check succeeds only if nothing accepts connections there. */
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
  const isPolling = options.waitMs !== undefined && !options.isInverted;
  return await tryUntil(
    (deadline) => {
      const work = probe(endpoint, { ...expected, isPolling }, deadline);
      return options.isInverted ? inverted(work, formatEndpoint(endpoint)) : work;
    },
    { ...options, backoff: new Backoff(BACKOFF), isFinal: saysNothing },
  );
}

/** Whether the failure is ours: it says nothing of the server. */
export function saysNothing(error: unknown): boolean {
  return error instanceof PermissionError || exitCodeOf(error) === EXIT.usage;
}

/** Only a refusal proves that nothing accepts there; what came of a connection proves that something does. */
async function inverted(work: Promise<Facts>, endpoint: string): Promise<Facts> {
  const present = (how: string) => new ParleyError(`${endpoint} accepts connections${how}`, { endpoint });
  try {
    await work;
  } catch (error) {
    if (isAbsent(error)) return { found: reasonFor(error, endpoint) };
    if (isOfConnection(error)) throw present(` (${reasonFor(error, endpoint)})`);
    throw error;
  }
  throw present("");
}

/** Whether only a connection that was accepted can fail so. */
function isOfConnection(error: unknown): boolean {
  return error instanceof ResetError || error instanceof ClosedEarlyError || error instanceof TlsError ||
    error instanceof UpgradeError || error instanceof TimeoutError && error.phase === "handshake";
}

/** Every address refused (not: was unreachable), or there is no such socket file, or the UDP port is closed. */
function isAbsent(error: unknown): boolean {
  if (!(error instanceof RefusedError)) return false;
  if (error.attempts.length > 0) return error.attempts.every(({ reason }) => /refused/i.test(reason));
  return error.cause === undefined || hasCode(error, "ECONNREFUSED", "ENOENT");
}
