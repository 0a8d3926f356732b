/**
 * Datagrams: a server, a relay, and a simulated bad network.
 *
 * @module
 */

export type { DatagramGate } from "../guard/datagram_gate.ts";
export type { ClientCounts } from "./client_table.ts";
export { DatagramCounts, type DropReason } from "./counts.ts";
export { type ImpairedFlow, Impairment, type ImpairmentCounts, type ImpairmentOptions } from "./impairment.ts";
export { type DatagramFlow, Impairments } from "./impairments.ts";
export { DatagramRelay, type DatagramRelayOptions } from "./relay.ts";
export { DatagramServer, type DatagramServerOptions } from "./server.ts";
export type { DatagramService } from "./service.ts";
