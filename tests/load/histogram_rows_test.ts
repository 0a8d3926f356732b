import { assert, assertEquals } from "@std/assert";
import { newHistogram } from "../../src/load/histogram.ts";
import { histogramRows } from "../../src/load/histogram.ts";

Deno.test("histogramRows() counts every latency once", () => {
  const histogram = newHistogram();
  for (let microseconds = 10; microseconds < 20_000; microseconds += 7) histogram.recordValue(microseconds);
  const rows = histogramRows(histogram);
  assertEquals(rows.reduce((sum, { count }) => sum + count, 0), histogram.totalCount);
  assertEquals(rows.length, 14);
  for (const [index, { fromMs, toMs, count }] of rows.entries()) {
    assert(count >= 0 && fromMs < toMs);
    if (index > 0) assertEquals(fromMs, rows[index - 1]?.toMs);
  }
});

Deno.test("histogramRows() has one row when all latencies are alike, and none without any", () => {
  const histogram = newHistogram();
  assertEquals(histogramRows(histogram), []);
  histogram.recordValueWithCount(100, 5);
  assertEquals(histogramRows(histogram).map(({ count }) => count), [5]);
});
