import { assert, assertEquals } from "@std/assert";
import { histogramRows, LatencyRecorder, newHistogram } from "../../src/load/histogram.ts";

Deno.test("LatencyRecorder yields the same histogram as recording each latency individually", () => {
  const recorder = new LatencyRecorder();
  const plain = newHistogram();
  const latenciesUs = [0, 1, 57, 57, 2_047, 2_048, 2_049, 70_000, 61_000_000];
  for (const [index, microseconds] of latenciesUs.entries()) {
    recorder.record(microseconds / 1_000, index + 1);
    plain.recordValueWithCount(microseconds, index + 1);
  }
  const found = recorder.histogram;
  assertEquals([found.totalCount, found.maxValue, found.mean], [plain.totalCount, plain.maxValue, plain.mean]);
  for (const percent of [1, 10, 25, 50, 75, 90, 99, 100]) {
    assertEquals(found.getValueAtPercentile(percent), plain.getValueAtPercentile(percent), `${percent}%`);
  }
});

Deno.test("LatencyRecorder counts nothing twice, and nothing after reset()", () => {
  const recorder = new LatencyRecorder();
  recorder.record(0.05, 3);
  assertEquals([recorder.histogram.totalCount, recorder.histogram.totalCount], [3, 3]);
  recorder.record(5, 1);
  recorder.record(0.05, 1);
  assertEquals(recorder.histogram.totalCount, 5);
  recorder.record(0.05, 1);
  recorder.reset();
  assertEquals(recorder.histogram.totalCount, 0);
});

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
