/**
 * Durations and sizes as people write them: `250ms`, `2s`, `1m`, `64KiB`.
 *
 * @module
 */

const MILLISECONDS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  K: 1024,
  KiB: 1024,
  kB: 1000,
  KB: 1000,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  GB: 1000 ** 3,
};

/** A duration: text such as `"250ms"`, `"2s"`, `"1m30s"`, or a number of milliseconds. */
export type Duration = string | number;

/** A size: text such as `"64KiB"`, `"1MB"`, `"512"`, or a number of bytes. */
export type Size = string | number;

/**
 * Milliseconds of a duration.
 *
 * @example Text and numbers
 * ```ts
 * import { parseDuration } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseDuration("1m30s"), 90_000);
 * assertEquals(parseDuration(250), 250);
 * ```
 *
 * @throws {SyntaxError} The text is no duration.
 * @throws {RangeError} The number is negative or not finite.
 */
export function parseDuration(duration: Duration): number {
  if (typeof duration === "number") {
    if (!Number.isFinite(duration) || duration < 0) {
      throw new RangeError(`Cannot use ${duration} as a duration: it must be 0 ms or more`);
    }
    return duration;
  }
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== duration) {
    throw new SyntaxError(
      `Cannot parse duration "${duration}": expected a number with a unit, as in 250ms, 2s, 1m`,
    );
  }
  return parts.reduce((sum, part) => sum + Number(part[1]) * (MILLISECONDS[part[2] ?? ""] ?? 0), 0);
}

/** The longest wait: a timer takes 31 bits of milliseconds, and what is longer for 1 ms. */
const MOST_TIMER_DAYS = 24;

/**
 * Milliseconds of a duration that is to be waited for by a timer.
 *
 * @throws {SyntaxError} The text is no duration, or one of more than 24 days.
 */
export function parseTimerDuration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds <= MOST_TIMER_DAYS * 86_400_000) return milliseconds;
  throw new SyntaxError(`Cannot use "${text}": it takes ${MOST_TIMER_DAYS}d at the most`);
}

/** A duration for people, in the largest unit that keeps it short: `250ms`, `2s`, `1.5m`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${round(milliseconds)}ms`;
  if (milliseconds < 60_000) return `${round(milliseconds / 1_000)}s`;
  if (milliseconds < 3_600_000) return `${round(milliseconds / 60_000)}m`;
  return `${round(milliseconds / 3_600_000)}h`;
}

/** A latency in the unit that keeps it short: `340us`, `1.72ms`. */
export function formatLatency(milliseconds: number): string {
  return milliseconds < 1 ? `${Math.round(milliseconds * 1_000)}us` : formatDuration(milliseconds);
}

/**
 * Bytes of a size.
 *
 * @example Binary and decimal units
 * ```ts
 * import { parseSize } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseSize("64KiB"), 65_536);
 * assertEquals(parseSize("1MB"), 1_000_000);
 * ```
 *
 * @throws {SyntaxError} The text is no size.
 * @throws {RangeError} The number is negative or no whole number of bytes.
 */
export function parseSize(size: Size): number {
  if (typeof size === "number") {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`Cannot use ${size} as a size: it must be a whole number of bytes`);
    }
    return size;
  }
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(size);
  const factor = match ? BYTES[match[2] ?? ""] : undefined;
  if (!match || factor === undefined) {
    throw new SyntaxError(
      `Cannot parse size "${size}": expected a number with a unit, as in 512, 64KiB, 1MB`,
    );
  }
  return Math.round(Number(match[1]) * factor);
}

/** A size for people: `512 B`, `64 KiB`, `1.5 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${round(bytes / 1024)} KiB`;
  if (bytes < 1024 ** 3) return `${round(bytes / 1024 ** 2)} MiB`;
  return `${round(bytes / 1024 ** 3)} GiB`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
