/**
 * Parses faults from text, such as `latency:100ms,jitter=20ms`, and from JSON.
 *
 * @module
 */

import { messageOf } from "../../base/errors.ts";
import { parseBitRate, parseShare } from "../../base/rates.ts";
import { didYouMean } from "../../base/suggest.ts";
import { parseSize, parseTimerDuration } from "../../base/units.ts";
import type { Attributes, AttributeSpec, Direction, Fault, FaultType } from "./fault.ts";
import { FAULT_TYPES } from "./registry.ts";

/** Which connections a fault applies to, and in which direction. */
export type FaultScope = Pick<Fault, "direction" | "share" | "only">;

/** Every connection, both directions. */
export const EVERYWHERE: FaultScope = { direction: undefined, share: 1, only: undefined };

/**
 * Parses `NAME[:VALUE][,KEY=VALUE...]`. The keys are the attributes of the fault, and `direction`, `share`, `only` and
 * `name`. The faults of streams are the default of `types`.
 *
 * @throws {SyntaxError} The text is invalid; the message says why and lists what is available.
 */
export function parseFault(
  text: string,
  scope: FaultScope = EVERYWHERE,
  types: readonly FaultType[] = FAULT_TYPES,
): Fault {
  const [head = "", ...rest] = text.split(",");
  const [typeName = "", ...words] = head.split(":");
  const type = knownType(text, typeName, types);
  const [first] = Object.keys(type.attributes);
  const given: Record<string, string> = {};
  if (words.length > 0) {
    if (first === undefined) throw wrong(text, `${typeName} does not accept a value`);
    given[first] = words.join(":");
  }
  for (const pair of rest) {
    const at = pair.indexOf("=");
    if (at <= 0) throw wrong(text, `"${pair}" is not KEY=VALUE`);
    const key = pair.slice(0, at);
    if (Object.hasOwn(given, key)) throw wrong(text, `${key} is given twice`);
    given[key] = pair.slice(at + 1);
  }
  const { direction, share, only, name = type.name, ...attributes } = given;
  try {
    return {
      type,
      name,
      attributes: readAttributes(type, attributes, ["direction", "share", "only", "name"]),
      direction: direction === undefined ? scope.direction : parseDirection(direction),
      share: share === undefined ? scope.share : parseShare(share),
      only: only === undefined ? scope.only : parseOnly(only),
    };
  } catch (error) {
    throw wrong(text, messageOf(error), error);
  }
}

/**
 * Parses several faults; each gets a unique name.
 *
 * @throws {SyntaxError} See {@linkcode parseFault}.
 */
export function parseFaults(
  texts: readonly string[],
  scope?: FaultScope,
  types?: readonly FaultType[],
): Fault[] {
  return withOwnNames(texts.map((text) => parseFault(text, scope, types)));
}

/** Makes names unique with a number: `stall`, `stall-2`. */
export function withOwnNames(faults: readonly Fault[]): Fault[] {
  const names = new Set<string>();
  return faults.map((fault) => {
    let name = fault.name;
    for (let number = 2; names.has(name); number++) name = `${fault.name}-${number}`;
    names.add(name);
    return name === fault.name ? fault : { ...fault, name };
  });
}

/**
 * Parses attribute values, as text or as numbers in milliseconds, bytes, bytes per second and shares from 0 to 1.
 * `otherKeys` are listed with the attributes if one is unknown.
 *
 * @throws {SyntaxError} An attribute is unknown, missing or invalid.
 */
export function readAttributes(
  type: FaultType,
  given: Readonly<Record<string, unknown>>,
  otherKeys: readonly string[] = [],
): Attributes {
  const names = Object.keys(type.attributes);
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined) {
    const keys = [...names, ...otherKeys];
    const hint = didYouMean(unknown, keys, `it takes ${keys.join(", ") || "none"}`);
    throw new SyntaxError(`${type.name} has no attribute "${unknown}"; ${hint}`);
  }
  return Object.fromEntries(
    Object.entries(type.attributes).map(([name, spec], index) => {
      const value = given[name];
      if (value === undefined && index === 0 && type.needsFirst) {
        throw new SyntaxError(`${type.name} needs a value, as in ${type.name}:${EXAMPLES[spec.type]}`);
      }
      return [name, value === undefined ? spec.default : readValue(name, spec, value)];
    }),
  );
}

/**
 * Parses ranges of connection numbers: `1-2`, or `1-2+5`.
 *
 * @throws {SyntaxError} The text is not a range.
 */
export function parseOnly(text: string): [number, number][] {
  return text.split(/[+,]/).map((range) => {
    const [, first, last = first] = /^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/.exec(range) ?? [];
    if (first === undefined || Number(last) < Number(first)) {
      throw new SyntaxError(`Cannot parse connection numbers "${text}": expected numbers from 1, as in 3 or 1-2+5`);
    }
    return [Number(first), Number(last)];
  });
}

/** @throws {SyntaxError} The text is not a direction. */
export function parseDirection(text: string): Direction | undefined {
  if (text === "to-server" || text === "to-client") return text;
  if (text === "both") return undefined;
  throw new SyntaxError(`Cannot use "${text}" as a direction: use to-server, to-client or both`);
}

const EXAMPLES: Readonly<Record<AttributeSpec["type"], string>> = {
  duration: "100ms",
  size: "64KiB",
  rate: "1Mbit",
  share: "5%",
  integer: "3",
  choice: "close",
};

function readValue(name: string, spec: AttributeSpec, value: unknown): string | number {
  if (typeof value === "number") return checkNumber(name, spec, value);
  if (typeof value !== "string") throw new SyntaxError(`${name} must be a number or text`);
  switch (spec.type) {
    case "duration":
      return parseTimerDuration(value);
    case "size":
      return parseSize(value);
    case "rate":
      return parseBitRate(value) / 8;
    case "share":
      return parseShare(value);
    case "integer":
      if (/^\d{1,9}$/.test(value)) return checkNumber(name, spec, Number(value));
      throw new SyntaxError(`${name} must be a whole number, not "${value}"`);
    case "choice":
      if (spec.choices.includes(value)) return value;
      throw new SyntaxError(`${name} takes ${spec.choices.join(", ")}, not "${value}"`);
  }
}

function checkNumber(name: string, spec: AttributeSpec, value: number): number {
  const { type } = spec;
  const isWhole = type === "size" || type === "integer";
  const min = type === "integer" ? spec.min ?? 0 : 0;
  const max = type === "share"
    ? 1
    : type === "duration"
    ? 0x7fff_ffff
    : (type === "integer" ? spec.max : undefined) ?? Number.MAX_SAFE_INTEGER;
  const isRight = type !== "choice" && value >= min && value <= max && (!isWhole || Number.isInteger(value));
  if (!isRight || (type === "rate" && value === 0)) throw new SyntaxError(`${name} cannot be ${value}`);
  return value;
}

function knownType(text: string, name: string, types: readonly FaultType[]): FaultType {
  const type = types.find((known) => known.name === name);
  if (type !== undefined) return type;
  const corrected = name.replace("=", ":");
  if (types.some((known) => corrected.startsWith(`${known.name}:`))) throw wrong(text, `write ${corrected}`);
  const names = types.map((known) => known.name);
  throw wrong(text, didYouMean(name, names, `the faults are ${names.join(", ")}`));
}

function wrong(text: string, why: string, cause?: unknown): SyntaxError {
  return new SyntaxError(`Cannot parse fault "${text}": ${why}`, { cause });
}
