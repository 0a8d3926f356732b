import { assertEquals } from "@std/assert";
import { newHistogram } from "../../../../src/load/histogram.ts";
import { BenchResult, parseDatagramLimit } from "../../../../src/commands/udp/bench/result.ts";

Deno.test("parseDatagramLimit() looks at every metric of a measurement", () => {
  const roundTrips = newHistogram();
  roundTrips.recordValue(8_000);
  const report = { received: 98, unique: 98, duplicated: 1, reordered: 2, corrupted: 4, jitterMs: 3 };
  const result = new BenchResult(
    { sent: 100, elapsedMs: 1_000, report, foreign: 0 },
    { target: "udp://127.0.0.1:1", size: 64, roundTrips },
  );
  const held: [string, string | undefined][] = [
    ["loss>1%", "2%"],
    ["loss>2%", undefined],
    ["dup>0%", "1%"],
    ["reorder>=2%", "2%"],
    ["corrupt>3%", "4%"],
    ["corrupt>4%", undefined],
    ["jitter<5ms", "3ms"],
    ["p99>7ms", "8ms"],
    ["max>1s", undefined],
    ["lost>1", "2"],
    ["rate<1000", "100"],
  ];
  for (const [text, expected] of held) {
    assertEquals(parseDatagramLimit(text).violation(result)?.replace(/^.* is /, ""), expected, text);
  }
});
