import { orUsageError, UsageError } from "../base/errors.ts";
import type { FlagTable, FlagValues } from "../base/flag_spec.ts";
import { parseShare } from "../base/rates.ts";
import type { Fault, FaultType } from "../relay/faults/fault.ts";
import { type FaultScope, parseDirection, parseFaults, parseOnly } from "../relay/faults/parse_fault.ts";

/** Flags for the faults of a relay and the affected clients. */
export const FAULT_FLAGS = {
  fault: {
    type: "text",
    repeat: true,
    placeholder: "FAULT",
    help: "fault, such as latency:100ms",
  },
  direction: { type: "text", placeholder: "WAY", help: "of faults: to-server, to-client or both (default both)" },
  share: { type: "text", placeholder: "SHARE", help: "share of the connections with faults, such as 20%" },
  only: { type: "text", placeholder: "NUMBERS", help: "numbers of the connections with faults, such as 1-2,5" },
} as const satisfies FlagTable;

type FaultFlags = FlagValues<typeof FAULT_FLAGS>;

/**
 * The faults from the flags, of streams or of other types.
 *
 * @throws {UsageError} A fault cannot be parsed, or a flag has no fault to apply to.
 */
export function faultsOf(flags: FaultFlags, types?: readonly FaultType[], hasOthers = false): Fault[] {
  const scope = faultScopeOf(flags);
  const idle = (["direction", "share", "only"] as const).find((name) => flags[name] !== undefined);
  if (idle !== undefined && flags.fault.length === 0 && !hasOthers) {
    throw new UsageError(`--${idle} requires --fault`);
  }
  return orUsageError(() => parseFaults(flags.fault, scope, types));
}

/**
 * Parses the default scope of faults.
 *
 * @throws {UsageError} A flag cannot be parsed.
 */
export function faultScopeOf({ direction, share, only }: Omit<FaultFlags, "fault">): FaultScope {
  return orUsageError(() => ({
    direction: direction === undefined ? undefined : parseDirection(direction),
    share: share === undefined ? 1 : parseShare(share),
    only: only === undefined ? undefined : parseOnly(only),
  }));
}
