import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../../src/base/errors.ts";
import { newHistogram } from "../../../../src/commands/client/bench/histogram.ts";
import type { LoadSummary } from "../../../../src/commands/client/bench/summary.ts";
import { parseThreshold } from "../../../../src/commands/client/bench/threshold.ts";

function summaryOf(latenciesUs: number[]): LoadSummary {
  const latency = newHistogram();
  for (const microseconds of latenciesUs) latency.recordValue(microseconds);
  return {
    elapsedMs: 1_000,
    sent: 1_000,
    answered: 999,
    lost: 1,
    rate: 999,
    latency,
    service: latency,
    errors: new Map([["ResetError", { count: 2, exitCode: 7, example: "reset" }]]),
    seconds: [],
  };
}

const SUMMARY = summaryOf([...Array.from({ length: 99 }, () => 1_000), 8_000]);

Deno.test("parseThreshold() compares every metric", () => {
  const held: [string, string | undefined][] = [
    ["p50>5ms", undefined],
    ["p99.9 > 5ms", "8ms"],
    ["p50>=1ms", "1ms"],
    ["p50>1ms", undefined],
    ["p50<2ms", "1ms"],
    ["max<=8ms", "8ms"],
    ["mean>1s", undefined],
    ["p50>900us", "1ms"],
    ["errors>1", "2"],
    ["rate<1000", "999"],
    ["lost>0", "1"],
    ["lost%>0.05", "0.1"],
    ["lost%>1%", undefined],
  ];
  for (const [text, expected] of held) assertEquals(parseThreshold(text).violation(SUMMARY), expected, text);
});

Deno.test("parseThreshold() throws a UsageError with examples when the text is none", () => {
  for (const text of ["", "p99", "p99>", "p99>5", "p101>5ms", "p99=5ms", "speed>1", "rate<fast", "p99>5ms or so"]) {
    assertThrows(() => parseThreshold(text), UsageError, "p99>5ms", text);
  }
});
