import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import { type Metrics, parseLimit } from "../../src/commands/fail_if.ts";

interface Run {
  readonly jitterMs: number;
  readonly loss: number;
  readonly errors: number;
  readonly percentileMs: number | undefined;
}

const METRICS: Metrics<Run> = {
  times: { jitter: ({ jitterMs }) => jitterMs },
  shares: { loss: ({ loss }) => loss },
  counts: { errors: ({ errors }) => errors },
  percentile: ({ percentileMs }, percent) => percentileMs && percentileMs * percent,
  examples: "p99>5ms, loss>1%",
};
const RUN: Run = { jitterMs: 0.25, loss: 0.02, errors: 2, percentileMs: 1 };

function violation(text: string, run = RUN): string | undefined {
  return parseLimit(text, METRICS).violation(run);
}

Deno.test("parseLimit() compares times, shares, counts and percentiles, and reports the measured value", () => {
  const cells: [string, string | undefined][] = [
    ["jitter>200us", "jitter>200us holds: jitter is 250us"],
    ["jitter>1ms", undefined],
    ["loss>1%", "loss>1% holds: loss is 2%"],
    ["loss>2%", undefined],
    [" loss >= 2% ", "loss>=2% holds: loss is 2%"],
    ["errors<3", "errors<3 holds: errors is 2"],
    ["errors<=1", undefined],
    ["p50>=50ms", "p50>=50ms holds: p50 is 50ms"],
    ["p99.9<1s", "p99.9<1s holds: p99.9 is 99.9ms"],
    ["p100>100ms", undefined],
  ];
  for (const [text, expected] of cells) assertEquals(violation(text), expected, text);
});

Deno.test("parseLimit() returns a limit that never holds if nothing was measured", () => {
  assertEquals(violation("p99<1s", { ...RUN, percentileMs: undefined }), undefined);
});

Deno.test("parseLimit() throws a UsageError with examples when the text is not a limit", () => {
  const texts = ["", "p99", "p99>", "p99>5", "p101>5ms", "p99=5ms", "speed>1", "errors>few", "errors>1%", "p99>5ms so"];
  for (const text of [...texts, "loss>1", "loss>101%", "p>5ms", "constructor>1"]) {
    assertThrows(() => parseLimit(text, METRICS), UsageError, "expected for example p99>5ms, loss>1%", text);
  }
});
