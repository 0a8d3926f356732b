import { DEFAULTS } from "../base/defaults.ts";
import { TimeoutError, type TimeoutPhase } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { CloseReason } from "./close_reason.ts";
import type { ConnectionLimits } from "./deadline_timer.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** The state that deadlines are checked against, in times of the connection's clock. */
interface DeadlineState {
  /** Activity timestamps may be this old. */
  readonly intervalMs: number;
  readonly openedMs: number;
  /** When something was last received or sent. */
  readonly activeMs: number;
  /** Since when the pending write has made no progress. */
  readonly stalledSinceMs: number | undefined;
  /** Whether anything was received. */
  readonly hasRead: boolean;
}

/** A deadline that has passed. */
interface MissedDeadline {
  readonly phase: TimeoutPhase;
  readonly reason: CloseReason;
  readonly afterMs: number;
}

/** The first deadline that has passed. */
export function missedDeadline(
  nowMs: number,
  limits: ConnectionLimits,
  state: DeadlineState,
): MissedDeadline | undefined {
  const { firstByteMs, totalMs, idleMs, writeMs = DEFAULTS.writeTimeoutMs } = limits;
  const { stalledSinceMs } = state;
  const ageMs = nowMs - state.openedMs;
  // Deadlines measured from an activity timestamp get one extra interval.
  const lateMs = nowMs - state.intervalMs;
  if (stalledSinceMs !== undefined && lateMs - stalledSinceMs > writeMs) {
    return { phase: "write", reason: "write timeout", afterMs: writeMs };
  }
  if (firstByteMs !== undefined && !state.hasRead && ageMs >= firstByteMs) {
    return { phase: "first byte", reason: "first byte timeout", afterMs: firstByteMs };
  }
  if (totalMs !== undefined && ageMs >= totalMs) return { phase: "total", reason: "lifetime", afterMs: totalMs };
  if (idleMs !== undefined && lateMs - state.activeMs >= idleMs) {
    return { phase: "idle", reason: "idle timeout", afterMs: idleMs };
  }
  return undefined;
}

const MISSED: Partial<Record<TimeoutPhase, string>> = {
  "first byte": "nothing was received",
  reply: "nothing was received",
  write: "the peer read nothing",
  total: "it did not end",
  idle: "nothing was received or sent",
};

/** The error of a deadline that has passed. */
export function timeoutError(
  phase: TimeoutPhase,
  afterMs: number,
  { remote, bytesRead, bytesWritten }: { remote: Endpoint; bytesRead: number; bytesWritten: number },
): TimeoutError {
  const endpoint = formatEndpoint(remote);
  const within = formatDuration(Math.round(afterMs));
  const counts = `${bytesRead} bytes received, ${bytesWritten} sent`;
  const message = `The connection to ${endpoint} timed out: ${MISSED[phase]} within ${within} (${counts} in all)`;
  return new TimeoutError(phase, message, { endpoint, afterMs });
}
