import type { AccessList } from "./access_list.ts";
import { ConnectionRate } from "./connection_rate.ts";
import { type Gate, GateChain } from "./gate.ts";
import { PerAddressLimit } from "./per_address_limit.ts";
import { DEFAULTS } from "../base/defaults.ts";

/** Options of {@linkcode gatesOf}. */
interface GateOptions {
  /** Access list by address. */
  readonly access?: AccessList | undefined;
  /** New connections per second and address. */
  readonly connectRate?: number | undefined;
  /**
   * Maximum connections per address.
   *
   * @default {256}
   */
  readonly maxPerAddress?: number | undefined;
  /**
   * Whether the limits apply to loopback clients.
   *
   * @default {false}
   */
  readonly limitsLoopback?: boolean | undefined;
}

/** Creates the gates: the access list, then the limits by address. */
export function gatesOf(options: GateOptions): Gate {
  const { access, connectRate, maxPerAddress = DEFAULTS.maxConnectionsPerAddress, limitsLoopback = false } = options;
  return new GateChain([
    ...(access === undefined ? [] : [access]),
    ...(connectRate === undefined ? [] : [new ConnectionRate({ perSecond: connectRate, limitsLoopback })]),
    new PerAddressLimit({ maxPerAddress, limitsLoopback }),
  ]);
}
