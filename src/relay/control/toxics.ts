/**
 * Toxiproxy's toxics as faults: their types, attributes and units.
 *
 * @module
 */

import { defineFault, type Fault, type FaultType } from "../faults/fault.ts";
import { bandwidth } from "../faults/bandwidth.ts";
import { latency } from "../faults/latency.ts";
import { limit } from "../faults/limit.ts";
import { parseOnly, readAttributes } from "../faults/parse_fault.ts";
import { FAULT_TYPES } from "../faults/registry.ts";
import { slice } from "../faults/slice.ts";
import { slowClose } from "../faults/slow_close.ts";
import { timeout } from "../faults/timeout.ts";
import { ApiError, badBody } from "./api_error.ts";
import { type JsonObject, objectIn } from "./json.ts";

/** A toxic in the API. */
export interface Toxic {
  readonly name: string;
  readonly type: string;
  /** As given: `upstream` or `downstream`, in any letter case. */
  readonly stream: string;
  /** Share of the connections, from 0 to 1. */
  readonly toxicity: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Beyond Toxiproxy: numbers of connections, as in `1-2+5`. */
  readonly only?: string;
}

/** One of Toxiproxy's types. */
interface ToxicType {
  /** Whole numbers, 0 by default. */
  readonly attributes: readonly string[];
  readonly fault: FaultType;
  /** The attributes of the fault. */
  values(given: Readonly<Record<string, number>>): Fault["attributes"];
}

/** Drops the first bytes and resets the connection after a delay. */
const resetPeer = defineFault({
  name: "reset_peer",
  summary: "reset the connection once something is sent",
  attributes: { timeout: { type: "duration", default: 0, help: "time before the reset" } },
  stage({ timeout }, { next, clock, removed }) {
    let isStarted = false;

    async function start(): Promise<void> {
      if (isStarted) return;
      isStarted = true;
      await clock.delay(timeout, removed);
      if (!removed.aborted) await next.end({ how: "reset" });
    }

    return { data: start, end: (ending) => ending.how === "end" ? start() : next.end(ending) };
  },
});

const noop = defineFault({
  name: "noop",
  summary: "forward everything",
  attributes: {},
  stage: (_, { next }) => next,
});

const TOXIC_TYPES: ReadonlyMap<string, ToxicType> = new Map(Object.entries<ToxicType>({
  bandwidth: {
    attributes: ["rate"],
    fault: bandwidth,
    // Kilobytes per second; 0 blocks everything.
    values: ({ rate = 0 }) => ({ rate: rate * 1_000 }),
  },
  latency: {
    attributes: ["latency", "jitter"],
    fault: latency,
    values: ({ latency: time = 0, jitter = 0 }) => ({ time, jitter, distribution: "uniform" }),
  },
  limit_data: { attributes: ["bytes"], fault: limit, values: ({ bytes = 0 }) => ({ bytes, then: "close" }) },
  noop: { attributes: [], fault: noop, values: () => ({}) },
  reset_peer: { attributes: ["timeout"], fault: resetPeer, values: ({ timeout = 0 }) => ({ timeout }) },
  slicer: {
    attributes: ["average_size", "size_variation", "delay"],
    fault: slice,
    // Microseconds.
    values: ({ average_size: size = 0, size_variation: variation = 0, delay = 0 }) => (
      { size: size || Infinity, variation, delay: delay / 1_000 }
    ),
  },
  slow_close: { attributes: ["delay"], fault: slowClose, values: ({ delay = 0 }) => ({ time: delay }) },
  timeout: {
    attributes: ["timeout"],
    fault: timeout,
    values: ({ timeout: time = 0 }) => ({ time, then: "close" }),
  },
}));

/**
 * Parses a toxic from a request body.
 *
 * @throws {ApiError} 400.
 */
export function readToxic(body: unknown): Toxic {
  const input = objectIn(body);
  const type = input.text("type") ?? "";
  const stream = input.text("stream") ?? "downstream";
  if (!["upstream", "downstream"].includes(stream.toLowerCase())) {
    throw new ApiError(400, "stream was invalid, can be either upstream or downstream");
  }
  if (!isKnown(type)) throw new ApiError(400, "invalid toxic type");
  const only = input.text("only");
  const toxic = {
    name: input.text("name") || `${type}_${stream}`,
    type,
    stream,
    toxicity: input.number("toxicity") ?? 1,
    attributes: readToxicAttributes(type, input.object("attributes")),
    ...(only === undefined ? {} : { only }),
  };
  // Validates before anything is changed.
  faultOf(toxic);
  return toxic;
}

/**
 * The toxic updated with the attributes and the toxicity of the body.
 *
 * @throws {ApiError} 400.
 */
export function updateToxic(toxic: Toxic, body: unknown): Toxic {
  const input = objectIn(body);
  const attributes = readToxicAttributes(toxic.type, input.object("attributes"), toxic.attributes);
  const updated = { ...toxic, toxicity: input.number("toxicity") ?? toxic.toxicity, attributes };
  faultOf(updated);
  return updated;
}

/**
 * Converts a toxic to a fault.
 *
 * @throws {ApiError} 400: an attribute is invalid.
 */
export function faultOf({ name, type, stream, toxicity, attributes, only }: Toxic): Fault {
  const known = TOXIC_TYPES.get(type);
  const own = known?.fault ?? FAULT_TYPES.find((fault) => fault.name === type);
  if (own === undefined) throw new ApiError(400, "invalid toxic type");
  try {
    return {
      type: own,
      name,
      direction: stream.toLowerCase() === "upstream" ? "to-server" : "to-client",
      share: toxicity,
      only: only === undefined ? undefined : parseOnly(only),
      attributes: known === undefined ? readAttributes(own, attributes) : known.values(positive(attributes)),
    };
  } catch (error) {
    throw badBody(error);
  }
}

function isKnown(type: string): boolean {
  return TOXIC_TYPES.has(type) || FAULT_TYPES.some(({ name }) => name === type);
}

/** Toxiproxy has integers only, which default to 0, and ignores unknown attributes. */
function readToxicAttributes(
  type: string,
  given: JsonObject,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const known = TOXIC_TYPES.get(type);
  if (known === undefined) return { ...before, ...given.fields };
  return Object.fromEntries(known.attributes.map((name) => {
    const value = given.number(name) ?? before[name] ?? 0;
    if (!Number.isSafeInteger(value)) throw badBody(new SyntaxError(`${name} must be a whole number`));
    return [name, value];
  }));
}

function positive(attributes: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, Math.max(0, Number(value))]));
}
