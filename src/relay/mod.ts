/**
 * A relay between two endpoints, with reproducible faults.
 *
 * @module
 */

import "../log/logtape.ts";

export type { ConnectOptions } from "../net/options.ts";
export type { Connection } from "../net/connection.ts";
export type { Endpoint } from "../net/endpoint.ts";
export type { ServeOptions } from "../server/serve.ts";
export type { ServerStats } from "../server/server_stats.ts";
export type { CloseFrame } from "../session/close_code.ts";
export type { Clock } from "./faults/clock.ts";
export {
  type AcceptContext,
  type Attributes,
  type AttributeSpec,
  type AttributeTable,
  type AttributeValues,
  defineFault,
  type Direction,
  type Ending,
  type Fault,
  type FaultDefinition,
  type FaultType,
  type Flow,
  type Stage,
  type StageContext,
} from "./faults/fault.ts";
export { type FaultScope, parseFault } from "./faults/parse_fault.ts";
export { Relay, type RelayOptions, startRelay } from "./relay.ts";
export type { Tap } from "./relayed_connection.ts";
export type { Balance } from "./relay_service.ts";
