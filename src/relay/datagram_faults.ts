/**
 * Faults of datagrams. Each is a separate impairment, so that they apply in the given order.
 *
 * @module
 */

import { Impairment, type ImpairmentOptions } from "../datagram/impairment.ts";
import { Impairments } from "../datagram/impairments.ts";
import { appliesTo, nameHash } from "./fault_chain.ts";
import {
  type Attributes,
  type AttributeTable,
  type AttributeValues,
  defineFault,
  type Direction,
  type Fault,
  type FaultDefinition,
  type FaultType,
} from "./faults/fault.ts";
import { LATENCY_ATTRIBUTES } from "./faults/latency.ts";

/** The impairment of a fault. */
type Effect = Omit<ImpairmentOptions, "seed" | "sequence" | "appliesTo" | "direction" | "maxQueued">;

/** A type of datagram fault. */
interface DatagramFaultType extends FaultType {
  effect(values: Attributes): Effect;
}

interface DatagramFaultDefinition<T extends AttributeTable> extends FaultDefinition<T> {
  effect(values: AttributeValues<T>): Effect;
}

function datagramFault<const T extends AttributeTable>(definition: DatagramFaultDefinition<T>): DatagramFaultType {
  // The parser makes the values from the same table, so they have these types.
  return { ...defineFault(definition), effect: (values) => definition.effect(values as AttributeValues<T>) };
}

function shareFault(name: string, summary: string, effect: (share: number) => Effect): DatagramFaultType {
  const attributes = { datagrams: { type: "share", help: "share of the datagrams" } } as const;
  return datagramFault({
    name,
    summary,
    attributes,
    needsFirst: true,
    effect: ({ datagrams = 0 }) => effect(datagrams),
  });
}

/** All datagram faults, in the order of the help. */
export const DATAGRAM_FAULT_TYPES: readonly DatagramFaultType[] = [
  shareFault("drop", "drop a SHARE of the datagrams", (drop) => ({ drop })),
  shareFault("duplicate", "deliver a SHARE of the datagrams twice", (dup) => ({ dup })),
  shareFault("reorder", "deliver a SHARE of the datagrams after the client's next one", (reorder) => ({ reorder })),
  shareFault("corrupt", "flip one bit in a SHARE of the datagrams", (corrupt) => ({ corrupt })),
  datagramFault({
    name: "latency",
    summary: "delay the datagrams by TIME",
    needsFirst: true,
    attributes: LATENCY_ATTRIBUTES,
    effect: ({ time = 0, jitter = 0, distribution }) => ({
      delay: time,
      jitter,
      distribution: distribution === "normal" ? "normal" : "uniform",
    }),
  }),
  datagramFault({
    name: "bandwidth",
    summary: "deliver at most RATE, for all clients together",
    needsFirst: true,
    attributes: { rate: { type: "rate", help: "bits per second" } },
    effect: ({ rate }) => ({ bitsPerSecond: rate === undefined ? undefined : rate * 8 }),
  }),
  datagramFault({
    name: "limit",
    summary: "deliver SIZE bytes of each client, and drop the datagrams beyond",
    needsFirst: true,
    attributes: { bytes: { type: "size", help: "bytes that are delivered" } },
    effect: ({ bytes }) => ({ maxBytes: bytes }),
  }),
  datagramFault({
    name: "stall",
    summary: "deliver nothing",
    attributes: { after: { type: "size", default: 0, help: "bytes of each client that are delivered before" } },
    effect: ({ after }) => ({ maxBytes: after }),
  }),
];

/** Finds a fault type by name. */
export function datagramFaultType(name: string): DatagramFaultType {
  const type = DATAGRAM_FAULT_TYPES.find((known) => known.name === name);
  if (type === undefined) throw new TypeError(`unknown datagram fault ${name}`);
  return type;
}

/** The impairments of the faults in a direction; `undefined` if none applies. */
export function impairmentsOf(
  faults: readonly Fault[],
  { seed, direction, maxQueued }: { seed: number; direction: Direction; maxQueued: number },
): Impairments | undefined {
  const working = faults.filter((fault) => fault.direction === undefined || fault.direction === direction);
  if (working.length === 0) return undefined;
  return new Impairments(working.map((fault) =>
    new Impairment({
      ...datagramFaultType(fault.type.name).effect(fault.attributes),
      seed,
      sequence: nameHash(fault.name),
      appliesTo: (connection) => appliesTo(fault, { seed, connection }),
      direction: direction === "to-client" ? "to-client" : "to-target",
      maxQueued,
    })
  ));
}
