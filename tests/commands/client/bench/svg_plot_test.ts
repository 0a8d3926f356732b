import { assertEquals } from "@std/assert";
import { escapeMarkup, svgPlot } from "../../../../src/commands/client/bench/svg_plot.ts";

const formatY = (value: number) => `${value} <ms>`;

Deno.test("svgPlot() draws each curve within the axes, with ticks, a grid and a legend", () => {
  const svg = svgPlot({
    title: 'a "b"',
    curves: [{ name: "p99", color: "red", points: [[1, 40], [3, 20]] }, {
      name: "p50",
      color: "blue",
      points: [[2, 0]],
    }],
    xTicks: [{ at: 1, label: "1s" }, { at: 5, label: "<5s>" }],
    formatY,
  });
  assertEquals(svg.split("\n"), [
    '<svg viewBox="0 0 720 260" role="img" aria-label="a &quot;b&quot;">',
    '<text x="80" y="18" class="title">a &quot;b&quot;</text>',
    '<line x1="80" x2="676" y1="226" y2="226" class="grid"/>',
    '<text x="72" y="230" class="y">0 &lt;ms&gt;</text>',
    '<line x1="80" x2="676" y1="177" y2="177" class="grid"/>',
    '<text x="72" y="181" class="y">12.5 &lt;ms&gt;</text>',
    '<line x1="80" x2="676" y1="128" y2="128" class="grid"/>',
    '<text x="72" y="132" class="y">25 &lt;ms&gt;</text>',
    '<line x1="80" x2="676" y1="79" y2="79" class="grid"/>',
    '<text x="72" y="83" class="y">37.5 &lt;ms&gt;</text>',
    '<line x1="80" x2="676" y1="30" y2="30" class="grid"/>',
    '<text x="72" y="34" class="y">50 &lt;ms&gt;</text>',
    '<text x="80" y="248" class="x">1s</text>',
    '<text x="676" y="248" class="x">&lt;5s&gt;</text>',
    '<polyline fill="none" stroke="red" stroke-width="2" points="80,69.2 378,147.6"/>',
    '<polyline fill="none" stroke="blue" stroke-width="2" points="229,226"/>',
    '<text x="676" y="18" class="legend" style="fill:red">p99</text>',
    '<text x="606" y="18" class="legend" style="fill:blue">p50</text>',
    "</svg>",
  ]);
});

Deno.test("svgPlot() draws one point, and no legend for a single curve", () => {
  const svg = svgPlot({ title: "t", curves: [{ name: "n", color: "red", points: [[7, 3]] }], xTicks: [], formatY });
  assertEquals(svg.match(/points=".*"/)?.[0], 'points="80,108.4"');
  assertEquals(svg.includes("legend"), false);
});

Deno.test("svgPlot() ends its axis at 1, 2 or 5 times a power of ten", () => {
  const topOf = (value: number) =>
    svgPlot({
      title: "t",
      curves: [{ name: "n", color: "red", points: [[0, value]] }],
      xTicks: [],
      formatY: (y) => `${y}`,
    }).match(/class="y">([^<]*)<\/text>/g)?.at(-1)?.replaceAll(/^.*?>|<.*$/g, "");
  assertEquals([0, 0.3, 1, 1.1, 2, 3, 5, 6, 10, 11, 400].map(topOf), [
    "1",
    "0.5",
    "1",
    "2",
    "2",
    "5",
    "5",
    "10",
    "10",
    "20",
    "500",
  ]);
});

Deno.test("escapeMarkup() escapes what begins or ends markup", () => {
  assertEquals(escapeMarkup('<a b="c">&&</a>'), "&lt;a b=&quot;c&quot;&gt;&amp;&amp;&lt;/a&gt;");
});
