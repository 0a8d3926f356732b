import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { newHistogram } from "../../../../src/load/histogram.ts";
import { reportHtml } from "../../../../src/commands/client/bench/report_html.ts";
import { LOAD_PLAN } from "../../../support/load_plan.ts";

const PLAN = { ...LOAD_PLAN, framing: "delimiter:<" };

function pageOf(latenciesUs: number[], seconds = 2): string {
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
      seconds: Array.from({ length: seconds }, (_, index) => ({ answered: index + 1, p50Ms: 1, p99Ms: index + 2 })),
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

Deno.test("reportHtml() labels at most ten seconds", () => {
  const labels = (count: number) => plotsOf(pageOf([1], count))[2]?.[1];
  assertEquals(labels(1), "1s");
  assertEquals(labels(10), "1s 2s 3s 4s 5s 6s 7s 8s 9s 10s");
  assertEquals(labels(11), "1s 3s 5s 7s 9s 11s");
  assertEquals(labels(30), "1s 4s 7s 10s 13s 16s 19s 22s 25s 28s");
});

/** The title, the labels of the x axis and the curves of each plot. */
function plotsOf(page: string) {
  return page.split("<svg ").slice(1).map((svg) => [
    /class="title">(.*?)</.exec(svg)?.[1],
    [...svg.matchAll(/class="x">(.*?)</g)].map(([, label]) => label).join(" "),
    ...[...svg.matchAll(/stroke="(.*?)".* points="(.*?)"/g)].map(([, color, points]) => `${color} ${points}`),
  ]);
}

Deno.test("reportHtml() draws percentiles, the distribution, and each second", () => {
  const [percentiles, distribution, ...seconds] = plotsOf(pageOf([100, 200, 300, 8_000]));
  assertEquals(percentiles, ["Latency by percentile", "0% 50%", "#2a7de1 80,186.8 378,147.6 676,108.4"]);
  assertEquals(seconds, [
    ["Replies per second", "1s 2s", "#2a7de1 80,128 676,30"],
    ["Latency over time", "1s 2s", "#d9822b 80,147.6 676,108.4", "#2a7de1 80,186.8 676,186.8"],
  ]);
  const [title, ticks, curve = ""] = distribution ?? [];
  assertEquals([title, ticks], ["Replies by latency", "208us 431us 894us 1.86ms 3.85ms 8ms"]);
  const points = curve.split(" ");
  assertEquals([points.length, ...points.slice(1, 5)], [121, "80,226", "80,30", "97.9,30", "97.9,226"]);
  assertEquals(points.slice(-4), ["656.1,226", "656.1,30", "674,30", "674,226"]);
});

Deno.test("reportHtml() shows percentiles as far as there are replies", () => {
  const percentiles = (count: number) => plotsOf(pageOf(Array.from({ length: count }, (_, us) => us + 1)))[0]?.[1];
  assertEquals([1, 2, 3, 11, 110, 1_100, 11_000].map(percentiles), [
    "0%",
    "0% 50%",
    "0% 50%",
    "0% 50% 90%",
    "0% 50% 90% 99%",
    "0% 50% 90% 99% 99.9%",
    "0% 50% 90% 99% 99.9% 99.99%",
  ]);
});

Deno.test("reportHtml() lists every number", () => {
  const rows = [...pageOf([100, 200, 300, 8_000]).matchAll(/<tr><th>(.*?)<td>(.*)/g)].map(([, name, text]) =>
    `${name}: ${text}`
  );
  assertEquals(rows, [
    "answers: 4 in 2s, 2/s",
    "p50: 200us",
    "p90: 8ms",
    "p99: 8ms",
    "p99.9: 8ms",
    "max: 8ms",
    "mean: 2.15ms",
    "lost: 0 of 4",
    "ResetError: 1: &lt;script&gt;",
  ]);
});
