import { assertEquals } from "@std/assert";
import { newHistogram } from "../../../../src/load/histogram.ts";
import type { Measurement } from "../../../../src/datagram/bench/measure.ts";
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

/** A result of 4,000 datagrams of 1,000 bytes in 2 s. */
function resultOf(rest: { report?: Measurement["report"]; foreign?: number; roundTripsUs?: readonly number[] } = {}) {
  const roundTrips = newHistogram();
  for (const us of rest.roundTripsUs ?? []) roundTrips.recordValue(us);
  const { report, foreign = 0 } = rest;
  return new BenchResult({ sent: 4_000, elapsedMs: 2_000, report, foreign }, { target: "T", size: 1_000, roundTrips });
}

const REPORT = { received: 3_900, unique: 3_800, duplicated: 100, reordered: 7, corrupted: 3, jitterMs: 1.23456 };

Deno.test("toText() has what was sent, and what a sink reports", () => {
  assertEquals(resultOf().toText(), "T: 4000 datagrams of 1000 bytes in 2 s: 2000/s, 16 Mbit/s\n");
  assertEquals(resultOf({ report: REPORT, foreign: 5, roundTripsUs: [1_000, 2_000] }).toText().split("\n"), [
    "T: 4000 datagrams of 1000 bytes in 2 s: 2000/s, 16 Mbit/s",
    "lost        200 (5%)",
    "duplicated  100",
    "reordered   7",
    "corrupted   3",
    "jitter      1.235 ms",
    "foreign     5",
    "round trip  p50 1  p90 2  p99 2  p99.9 2  max 2 ms",
    "",
  ]);
});

Deno.test("toJson() has what was sent, and what a sink reports", () => {
  const sent = { target: "T", size: 1_000, sent: 4_000, elapsedMs: 2_000, perSecond: 2_000 };
  assertEquals(JSON.parse(resultOf().toJson(0, [])), { ok: true, exitCode: 0, ...sent, foreign: 0, failed: [] });
  assertEquals(JSON.parse(resultOf({ report: REPORT, foreign: 5, roundTripsUs: [1_000, 2_000] }).toJson(1, ["a"])), {
    ...{ ok: false, exitCode: 1, ...sent, received: 3_900, lost: 200, lossPercent: 5, duplicated: 100, reordered: 7 },
    ...{ corrupted: 3, jitterMs: 1.2346, roundTripMs: { p50: 1, p90: 2, p99: 2, "p99.9": 2, max: 2 }, foreign: 5 },
    failed: ["a"],
  });
});

Deno.test("a result without datagrams has no shares and no rate, and is silent", () => {
  const none = new BenchResult(
    { sent: 0, elapsedMs: 0, report: undefined, foreign: 0 },
    { target: "T", size: 1, roundTrips: newHistogram() },
  );
  assertEquals([none.loss, none.perSecond, none.isSilent, none.percentileMs(50)], [0, 0, true, undefined]);
  assertEquals([resultOf().isSilent, resultOf({ report: REPORT }).isSilent], [true, false]);
  assertEquals(resultOf({ report: { ...REPORT, received: 0 } }).isSilent, true);
});
