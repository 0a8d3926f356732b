import { assertEquals, assertThrows } from "@std/assert";
import { formatDuration, formatSize, parseDuration, parseSize } from "@parley/parley";
import { parseTimerDuration } from "../../src/base/units.ts";

Deno.test("parseDuration() reads every unit, fractions and sums", () => {
  const cases: [string | number, number][] = [
    ["250ms", 250],
    ["2s", 2_000],
    ["1m", 60_000],
    ["1.5s", 1_500],
    ["1m30s", 90_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["0s", 0],
    [250, 250],
  ];
  for (const [text, milliseconds] of cases) assertEquals(parseDuration(text), milliseconds, String(text));
});

Deno.test("parseDuration() rejects an invalid duration, and shows an example", () => {
  for (const text of ["", "5", "s", "-1s", "1 s", "1y", "1s!", "1.s", "1s 2s", "Infinity"]) {
    assertThrows(
      () => parseDuration(text),
      SyntaxError,
      `Cannot parse duration "${text}": expected a number with a unit`,
    );
  }
  for (const number of [-1, NaN, Infinity]) assertThrows(() => parseDuration(number), RangeError);
});

Deno.test("parseSize() distinguishes binary and decimal units", () => {
  const cases: [string | number, number][] = [
    ["512", 512],
    ["512B", 512],
    ["64KiB", 65_536],
    ["64K", 65_536],
    ["1kB", 1_000],
    ["1MB", 1_000_000],
    ["1.5MiB", 1_572_864],
    ["1GiB", 1_073_741_824],
    [7, 7],
  ];
  for (const [text, bytes] of cases) assertEquals(parseSize(text), bytes, String(text));
});

Deno.test("parseSize() rejects an invalid size", () => {
  for (const text of ["", "KiB", "-1", "1 KiB", "1TiBs", "0x10"]) assertThrows(() => parseSize(text), SyntaxError);
  for (const number of [-1, 1.5, NaN]) assertThrows(() => parseSize(number), RangeError);
});

Deno.test("formatDuration() picks the unit that keeps it short", () => {
  assertEquals([0, 250, 2_000, 90_000, 5_400_000].map(formatDuration), ["0ms", "250ms", "2s", "1.5m", "1.5h"]);
});

Deno.test("formatSize() picks the unit that keeps it short", () => {
  assertEquals([0, 512, 65_536, 1_572_864, 1024 ** 3].map(formatSize), ["0 B", "512 B", "64 KiB", "1.5 MiB", "1 GiB"]);
});

Deno.test("parseDuration() accepts ten years and not a day more (MAX_DURATION_DAYS) (chat H1)", () => {
  assertEquals(parseDuration("3653d"), 3_653 * 86_400_000);
  assertEquals(parseDuration(3_653 * 86_400_000), 3_653 * 86_400_000);
  for (const tooLong of ["3654d", "999999999999d", "3653d1ms", "9".repeat(60) + "d", Infinity]) {
    assertThrows(() => parseDuration(tooLong), RangeError, "the maximum is 3653d");
  }
  // MAX_TEXT_LENGTH
  assertEquals(parseDuration("1d".repeat(32)), 32 * 86_400_000);
  assertThrows(() => parseDuration("1d".repeat(33)), SyntaxError, "Cannot parse duration");
});

Deno.test("parseTimerDuration() accepts durations up to a timer's maximum (MAX_TIMER_DAYS)", () => {
  assertEquals(parseTimerDuration("24d"), 24 * 86_400_000);
  assertThrows(() => parseTimerDuration("24d1ms"), RangeError, "the maximum is 24d");
});
