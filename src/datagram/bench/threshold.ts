import { UsageError } from "../../base/errors.ts";
import { parseDuration } from "../../base/units.ts";
import { parseShare } from "../../base/rates.ts";

/** What limits can be set on; shares from 0 to 1, times in milliseconds. */
export interface MeasuredValues {
  readonly loss: number;
  readonly dup: number;
  readonly reorder: number;
  readonly jitterMs: number;
  /** Of the round trips, where there were any. */
  percentileMs(percent: number): number | undefined;
}

/** A limit on what a measurement comes to. */
export interface DatagramThreshold {
  /** As it was given. */
  readonly text: string;
  /** Whether the measurement fails by it. */
  holds(values: MeasuredValues): boolean;
}

/**
 * The limit that a text such as `loss>1%`, `jitter>=5ms` or `p99>20ms` sets.
 *
 * @throws {UsageError} It is none.
 */
export function parseDatagramThreshold(text: string): DatagramThreshold {
  const [, name = "", operator, limit = ""] =
    /^\s*(loss|dup|reorder|jitter|max|p\d{1,2}(?:\.\d+)?)\s*(>=|>|<=|<)\s*(\S+)\s*$/.exec(text) ?? [];
  if (operator === undefined) throw refuse(text);
  const bound = boundOf(name, limit, text);
  return {
    text: text.trim(),
    holds(values) {
      const value = valueOf(name, values);
      if (value === undefined) return false;
      if (operator === ">") return value > bound;
      if (operator === ">=") return value >= bound;
      return operator === "<" ? value < bound : value <= bound;
    },
  };
}

function isShare(name: string): name is "loss" | "dup" | "reorder" {
  return name === "loss" || name === "dup" || name === "reorder";
}

function boundOf(name: string, limit: string, text: string): number {
  try {
    return isShare(name) ? parseShare(limit) : parseDuration(limit);
  } catch (error) {
    throw refuse(text, error);
  }
}

function valueOf(name: string, values: MeasuredValues): number | undefined {
  if (isShare(name)) return values[name];
  if (name === "jitter") return values.jitterMs;
  return values.percentileMs(name === "max" ? 100 : Number(name.slice(1)));
}

function refuse(text: string, cause?: unknown): UsageError {
  return new UsageError(
    `--fail-if: Cannot parse "${text}": it takes loss>1%, dup>0%, reorder>1%, jitter>5ms, p99>20ms`,
    {
      cause,
    },
  );
}
