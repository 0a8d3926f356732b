/**
 * Parses and formats durations and sizes: `250ms`, `2s`, `1m`, `64KiB`.
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

/** Ten years, so that adding it to the current time gives a valid date. */
const MAX_DURATION_DAYS = 3_653;
/** Longer text is rejected without parsing. */
const MAX_TEXT_LENGTH = 64;

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
 * @throws {SyntaxError} The text is not a duration.
 * @throws {RangeError} The duration is negative or longer than ten years.
 */
export function parseDuration(duration: Duration): number {
  if (typeof duration === "number") {
    if (Number.isNaN(duration) || duration < 0) {
      throw new RangeError(`Cannot use ${duration} as a duration: it must be 0 ms or more`);
    }
    return checkMaximum(duration, `${duration} ms`, MAX_DURATION_DAYS);
  }
  if (duration.length > MAX_TEXT_LENGTH || !/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+$/.test(duration)) {
    const shown = duration.slice(0, MAX_TEXT_LENGTH);
    throw new SyntaxError(`Cannot parse duration "${shown}": expected a number with a unit, as in 250ms, 2s, 1m`);
  }
  const parts = [...duration.matchAll(/([\d.]+)([a-z]+)/g)];
  const sum = parts.reduce((sum, part) => sum + Number(part[1]) * (MILLISECONDS[part[2] ?? ""] ?? 0), 0);
  return checkMaximum(sum, `"${duration}"`, MAX_DURATION_DAYS);
}

function checkMaximum(milliseconds: number, shown: string, maxDays: number): number {
  if (milliseconds <= maxDays * 86_400_000) return milliseconds;
  throw new RangeError(`Cannot use ${shown} as a duration: the maximum is ${maxDays}d`);
}

/** Maximum of a timer: it has 31 bits of milliseconds, and a larger value fires after 1 ms. */
const MAX_TIMER_DAYS = 24;

/**
 * Milliseconds of a duration for a timer.
 *
 * @throws {SyntaxError} The text is not a duration.
 * @throws {RangeError} The duration is longer than 24 days.
 */
export function parseTimerDuration(text: string): number {
  return checkMaximum(parseDuration(text), `"${text}"`, MAX_TIMER_DAYS);
}

/** Formats a duration in the largest suitable unit: `250ms`, `2s`, `1.5m`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${roundTo(milliseconds, 2)}ms`;
  if (milliseconds < 60_000) return `${roundTo(milliseconds / 1_000, 2)}s`;
  if (milliseconds < 3_600_000) return `${roundTo(milliseconds / 60_000, 2)}m`;
  return `${roundTo(milliseconds / 3_600_000, 2)}h`;
}

/** Formats a latency in a suitable unit: `340us`, `1.72ms`. */
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
 * @throws {SyntaxError} The text is not a size.
 * @throws {RangeError} The number is negative or not a whole number of bytes.
 */
export function parseSize(size: Size): number {
  if (typeof size === "number") {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`Cannot use ${size} as a size: it must be a whole number of bytes`);
    }
    return size;
  }
  const match = size.length > MAX_TEXT_LENGTH ? null : /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(size);
  const factor = match ? BYTES[match[2] ?? ""] : undefined;
  if (!match || factor === undefined) {
    throw new SyntaxError(
      `Cannot parse size "${size}": expected a number with a unit, as in 512, 64KiB, 1MB`,
    );
  }
  return Math.round(Number(match[1]) * factor);
}

/** Formats a size: `512 B`, `64 KiB`, `1.5 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${roundTo(bytes / 1024, 2)} KiB`;
  if (bytes < 1024 ** 3) return `${roundTo(bytes / 1024 ** 2, 2)} MiB`;
  return `${roundTo(bytes / 1024 ** 3, 2)} GiB`;
}

/** Formats a number with at most `decimals` decimals. */
export function roundTo(value: number, decimals: number): number {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}
