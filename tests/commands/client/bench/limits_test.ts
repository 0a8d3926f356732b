import { assertEquals } from "@std/assert";
import { newHistogram } from "../../../../src/load/histogram.ts";
import { parseLoadLimit } from "../../../../src/commands/client/bench/run_bench.ts";
import type { LoadSummary } from "../../../../src/load/summary.ts";

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

Deno.test("parseLoadLimit() looks at every metric of a load", () => {
  const summary = summaryOf([...Array.from({ length: 99 }, () => 1_000), 8_000]);
  const held: [string, string | undefined][] = [
    ["p50>5ms", undefined],
    ["p99.9 > 5ms", "8ms"],
    ["p50>900us", "1ms"],
    ["max<=8ms", "8ms"],
    ["mean>1s", undefined],
    ["errors>1", "2"],
    ["rate<1000", "999"],
    ["lost>0", "1"],
    ["loss>0.05%", "0.1%"],
    ["loss>1%", undefined],
  ];
  for (const [text, expected] of held) {
    assertEquals(parseLoadLimit(text).violation(summary)?.replace(/^.* is /, ""), expected, text);
  }
});

Deno.test("parseLoadLimit() reports no latencies if there were no replies", () => {
  const summary = summaryOf([]);
  for (const text of ["p50<1h", "max<1h", "mean<1h"]) assertEquals(parseLoadLimit(text).violation(summary), undefined);
});
