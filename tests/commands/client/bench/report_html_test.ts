import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { newHistogram } from "../../../../src/load/histogram.ts";
import type { LoadPlan } from "../../../../src/load/plan.ts";
import { reportHtml } from "../../../../src/commands/client/bench/report_html.ts";

const PLAN: LoadPlan = {
  endpoint: { scheme: "tcp", host: "127.0.0.1", port: 8888, path: "/" },
  connections: 2,
  depth: 1,
  size: 64,
  framing: "delimiter:<",
  rate: undefined,
  durationMs: 2_000,
  requests: undefined,
  warmupMs: 0,
  timeoutMs: 1_000,
  connect: {},
  poolSize: undefined,
};

function pageOf(latenciesUs: number[]): string {
  const latency = newHistogram();
  for (const microseconds of latenciesUs) latency.recordValue(microseconds);
  return reportHtml(
    PLAN,
    {
      elapsedMs: 2_000,
      sent: latenciesUs.length,
      answered: latenciesUs.length,
      lost: 0,
      rate: latenciesUs.length / 2,
      latency,
      service: latency,
      errors: new Map([["ResetError", { count: 1, exitCode: 7, example: "<script>" }]]),
      seconds: [{ answered: 1, p50Ms: 1, p99Ms: 2 }, { answered: 2, p50Ms: 1, p99Ms: 3 }],
    },
    ["p99>1us holds: p99 is 8ms"],
    new Date(0),
  );
}

Deno.test("reportHtml() returns one page with four plots and no external resources", () => {
  const page = pageOf([100, 200, 300, 8_000]);
  assertEquals(page.match(/<svg /g)?.length, 4);
  assertEquals(page.match(/<polyline /g)?.length, 5);
  assertNotMatch(page, /<script|<link|<img|@import|url\(|src=|NaN|Infinity/);
  assertStringIncludes(page, "&lt;script&gt;");
  assertStringIncludes(page, "p99&gt;1us holds");
});

Deno.test("reportHtml() truncates no axis label (fault 59)", () => {
  // Wider than the digits of common fonts at 11 pixels.
  const cell = 7;
  for (const latencies of [[100, 8_000], [1], [123_456, 123_457], Array.from({ length: 1e4 }, (_, us) => us * 999)]) {
    for (
      const [, x, y, kind, label = ""] of pageOf(latencies).matchAll(/<text x="(.*?)" y="(.*?)" class="([xy])">(.*?)</g)
    ) {
      const width = label.length * cell;
      const [left, right] = kind === "x"
        ? [Number(x) - width / 2, Number(x) + width / 2]
        : [Number(x) - width, Number(x)];
      assert(left >= 0 && right <= 720, `${kind} label ${label} at ${x}, ${y}`);
    }
  }
});

Deno.test("reportHtml() draws empty plots when nothing was answered", () => {
  assertNotMatch(pageOf([]), /NaN|Infinity/);
});
