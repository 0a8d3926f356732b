import { assertEquals } from "@std/assert";
import { styleOf } from "../../../../src/cli/style.ts";
import { planLine, progressLine, reportObject, reportText } from "../../../../src/commands/client/bench/report.ts";
import { newHistogram } from "../../../../src/load/histogram.ts";
import type { LoadSummary } from "../../../../src/load/summary.ts";
import { FakeIo } from "../../../support/fake_io.ts";
import { LOAD_PLAN } from "../../../support/load_plan.ts";

const PLAN = { ...LOAD_PLAN, depth: 3 };

function summaryOf(extras: Partial<LoadSummary> = {}): LoadSummary {
  const latency = newHistogram();
  for (const microseconds of [100, 100, 100, 200]) latency.recordValue(microseconds);
  return {
    elapsedMs: 2_000,
    sent: 12_345,
    answered: 12_340,
    lost: 0,
    rate: 6_170,
    latency,
    service: latency,
    errors: new Map(),
    seconds: [{ answered: 1, p50Ms: 1, p99Ms: 2 }],
    ...extras,
  };
}

const style = styleOf(new FakeIo());

Deno.test("planLine() describes the measurement", () => {
  assertEquals(planLine(PLAN), "tcp://127.0.0.1:8888: 2 connections, 3 in flight, 64 B, 2s");
  assertEquals(
    planLine({ ...PLAN, rate: 5_000, framing: "line", requests: 1_000 }),
    "tcp://127.0.0.1:8888: 2 connections, 5,000/s, 64 B, line, 1,000 messages",
  );
  assertEquals(planLine({ ...PLAN, poolSize: 4 }), "tcp://127.0.0.1:8888: 2 callers, a pool of 4, 64 B, 2s");
  assertEquals(progressLine(3, 12_345, 0.1, 8), "3s  12,345/s  p50 100us  p99 8ms");
});

Deno.test("reportText() has a row for each number, and a bar for each time", () => {
  const latency = "p50 100us  p90 200us  p99 200us  p99.9 200us  max 200us  mean 125us";
  const bars = [
    "up to 109us   75.00%  ████████████████████████████████████████",
    ...[119, 130, 141, 154, 168, 183].map((us) => `up to ${us}us    0.00%  `),
    "up to 200us   25.00%  ██████████████",
  ];
  assertEquals(reportText(PLAN, summaryOf(), style).split("\n"), [
    planLine(PLAN),
    "",
    "answers  12,340 in 2s: 6,170/s, 385.63 KiB/s each way",
    `latency  ${latency}`,
    "lost     0 of 12,345",
    "",
    ...bars,
    "",
  ]);
  const errors = new Map([["ResetError", { count: 1_000, exitCode: 7, example: "gone\x1b" }]]);
  const rated = { ...PLAN, rate: 100 };
  assertEquals(reportText(rated, summaryOf({ lost: 5, errors }), style).split("\n"), [
    planLine(rated),
    "",
    "answers  12,340 in 2s: 6,170/s, 385.63 KiB/s each way",
    `latency  ${latency}`,
    `service  ${latency}, from the sending`,
    "lost     5 of 12,345",
    "errors   1,000 ResetError: gone\\x1b",
    "",
    ...bars,
    "",
  ]);
  const none = summaryOf({ answered: 0, rate: 0, sent: 1, latency: newHistogram() });
  assertEquals(reportText(rated, none, style).split("\n").slice(2), [
    "answers  0 in 2s: 0/s, 0 B/s each way",
    "lost     0 of 1",
    "",
    "",
  ]);
});

Deno.test("reportObject() has the same for programs", () => {
  const latencyMs = { p50: 0.1, p90: 0.2, p99: 0.2, "p99.9": 0.2, max: 0.2, mean: 0.125 };
  const common = {
    endpoint: "tcp://127.0.0.1:8888",
    elapsedMs: 2_000,
    sent: 12_345,
    answered: 12_340,
    rate: 6_170,
    seconds: [{ answered: 1, p50Ms: 1, p99Ms: 2 }],
  };
  assertEquals(reportObject(PLAN, summaryOf(), [], 0), {
    ...common,
    ok: true,
    exitCode: 0,
    plan: { connections: 2, depth: 3, size: 64, framing: "raw", rate: undefined, pool: undefined },
    lost: 0,
    latencyMs,
    errors: {},
    failed: [],
  });
  const errors = new Map([["ResetError", { count: 1, exitCode: 7, example: "gone" }]]);
  const plan = { ...PLAN, rate: 100, poolSize: 4 };
  assertEquals(reportObject(plan, summaryOf({ lost: 5, errors, elapsedMs: 1_999.6, rate: 6_170.4 }), ["p99>1ms"], 7), {
    ...common,
    ok: false,
    exitCode: 7,
    plan: { connections: 2, depth: 3, size: 64, framing: "raw", rate: 100, pool: 4 },
    lost: 5,
    latencyMs,
    serviceMs: latencyMs,
    errors: { ResetError: { count: 1, exitCode: 7, example: "gone" } },
    failed: ["p99>1ms"],
  });
});
