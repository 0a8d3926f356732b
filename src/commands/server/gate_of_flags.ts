import type { FlagValues } from "../../base/flag_spec.ts";
import { AccessList } from "../../guard/access_list.ts";
import { ConnectionRate } from "../../guard/connection_rate.ts";
import { type Gate, GateRow } from "../../guard/gate.ts";
import { PerAddressLimit } from "../../guard/per_address_limit.ts";
import type { SHARED_FLAGS } from "./shared_flags.ts";

/** The gates that the flags ask for: the access list first, then the limits by address. */
export function gateOf(flags: FlagValues<typeof SHARED_FLAGS>): Gate {
  const limitsLoopback = flags.limitLoopback;
  const gates: Gate[] = [];
  if (flags.allow.length > 0 || flags.deny.length > 0) gates.push(new AccessList(flags));
  if (flags.connectRate !== undefined) {
    gates.push(new ConnectionRate({ perSecond: flags.connectRate, limitsLoopback }));
  }
  gates.push(new PerAddressLimit({ maxPerAddress: flags.maxPerIp, limitsLoopback }));
  return new GateRow(gates);
}
